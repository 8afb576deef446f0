import { SearchX } from "lucide-react";
import type { NearestPassage } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { useSources } from "@/source/SourceContext";
import { targetOfNearest } from "@/source/target";
import { LabelBadges } from "@/ui/Badge";

/** That the documents do not answer, what comes nearest, and what one can do. */
export function Refusal({ nearest }: { nearest: NearestPassage[] }) {
  const { t } = useTranslation();
  const sources = useSources();
  const targets = nearest.map(targetOfNearest);
  return (
    <div className="flex flex-col gap-4">
      <div className="flex gap-3">
        <SearchX aria-hidden className="mt-1 size-6 shrink-0 text-muted" />
        <div>
          <p className="answer text-lg font-semibold">{t("refusal.title")}</p>
          <p className="text-muted">{nearest.length ? t("refusal.next") : t("refusal.next_nothing")}</p>
        </div>
      </div>
      {nearest.length > 0 && (
        <section aria-label={t("refusal.nearest")}>
          <h3 className="mb-2 text-sm font-medium text-muted">{t("refusal.nearest")}</h3>
          <ol className="flex flex-col gap-2">
            {nearest.map((passage, index) => (
              <li key={passage.chunk_id}>
                <button
                  type="button"
                  onClick={() => sources.open(targets, index)}
                  className="flex w-full flex-col gap-1 rounded-md border bg-surface px-4 py-3 text-left hover:bg-hover"
                >
                  <span className="flex w-full flex-wrap items-center gap-2">
                    <span className="min-w-0 grow font-medium">{passage.document_title}</span>
                    <LabelBadges classification={passage.classification} exportControl={passage.export_control} />
                  </span>
                  <span className="text-sm text-muted">
                    {passage.document_key} · {t("revision.number", { number: passage.revision_number })} · {t("source.page", { page: passage.page })}
                  </span>
                  <span className="line-clamp-3">{passage.excerpt}</span>
                </button>
              </li>
            ))}
          </ol>
        </section>
      )}
    </div>
  );
}
