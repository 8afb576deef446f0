import { useTranslation } from "@/i18n/useTranslation";
import { inWords } from "./steps";

/** Deeper than this, values are shown as they are. */
const DEPTH_MAX = 5;

interface Props {
  value: unknown;
  depth?: number;
}

/** A value as people read it: texts as texts, fields with their names. */
export function ValueView({ value, depth = 0 }: Props) {
  const { t } = useTranslation();
  if (value === null || value === undefined || value === "") return <span className="text-muted">{t("work.nothing")}</span>;
  if (typeof value === "boolean") return <>{value ? t("work.yes") : t("work.no")}</>;
  if (typeof value !== "object") return <p className="break-words whitespace-pre-wrap">{String(value)}</p>;
  if (depth >= DEPTH_MAX) return <pre className="text-sm break-words whitespace-pre-wrap">{JSON.stringify(value, null, 2)}</pre>;
  if (Array.isArray(value)) return <ListView items={value} depth={depth} />;
  const fields = Object.entries(value);
  if (!fields.length) return <span className="text-muted">{t("work.nothing")}</span>;
  return (
    <dl className="flex flex-col gap-2">
      {fields.map(([name, field]) => (
        <div key={name}>
          <dt className="text-sm font-medium text-muted">{inWords(name)}</dt>
          <dd className="min-w-0 border-l-2 pl-3">
            <ValueView value={field} depth={depth + 1} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function ListView({ items, depth }: { items: unknown[]; depth: number }) {
  const { t } = useTranslation();
  if (!items.length) return <span className="text-muted">{t("work.nothing")}</span>;
  return (
    <ol className="flex list-decimal flex-col gap-2 pl-6">
      {items.map((item, index) => (
        <li key={index}>
          <ValueView value={item} depth={depth + 1} />
        </li>
      ))}
    </ol>
  );
}
