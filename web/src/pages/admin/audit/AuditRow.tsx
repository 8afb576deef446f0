import type { AuditEntry } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge, type Tone } from "@/ui/Badge";
import { usePersonName } from "../users/usePersonName";

const TONES = { success: "good", denied: "warn", failed: "bad" } as const satisfies Record<string, Tone>;

interface Props {
  entry: AuditEntry;
  onOpen: () => void;
}

export function AuditRow({ entry, onOpen }: Props) {
  const { t } = useTranslation();
  const { exact } = useFormats();
  const nameOf = usePersonName();
  const outcome = (entry.outcome in TONES ? entry.outcome : "failed") as keyof typeof TONES;
  const about = [exact(entry.time), nameOf(entry.actor), entry.object && `${entry.object.kind}:${entry.object.id}`];
  return (
    <li className="border-b last:border-0">
      <button type="button" onClick={onOpen} className="flex min-h-16 w-full flex-wrap items-center gap-3 px-4 py-2 text-left hover:bg-hover">
        <span className="w-16 text-sm text-muted tabular-nums">{entry.index}</span>
        <span className="min-w-0 grow basis-48">
          <span className="block font-mono font-medium">{entry.action}</span>
          <span className="block truncate text-sm text-muted">{about.filter(Boolean).join(" · ")}</span>
        </span>
        <Badge tone={TONES[outcome]}>{t(`outcome.${outcome}`)}</Badge>
      </button>
    </li>
  );
}
