import type { Citation } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { useSources } from "@/source/SourceContext";
import { targetOfCitation } from "@/source/target";
import { LabelBadges } from "@/ui/Badge";

/** Where the quotes stand: document, revision, page. */
export function SourceList({ citations }: { citations: Citation[] }) {
  const { t } = useTranslation();
  const sources = useSources();
  if (!citations.length) return null;
  const targets = citations.map(targetOfCitation);
  return (
    <section aria-label={t("ask.sources")}>
      <h3 className="mb-2 text-sm font-medium text-muted">{t("ask.sources")}</h3>
      <ol className="flex flex-col gap-2">
        {citations.map((citation, index) => (
          <li key={citation.number}>
            <button
              type="button"
              onClick={() => sources.open(targets, index)}
              className="flex min-h-target w-full items-start gap-3 rounded-md border bg-surface px-3 py-2 text-left hover:bg-hover"
            >
              <span className="mt-0.5 inline-flex size-6 shrink-0 items-center justify-center rounded-sm bg-accent-soft text-xs font-semibold text-accent-strong tabular-nums">
                {citation.number}
              </span>
              <span className="min-w-0 grow">
                <span className="block font-medium">{citation.document_title}</span>
                <span className="block text-sm text-muted">
                  {citation.document_key} · {t("revision.number", { number: citation.revision_number })} · {t("source.page", { page: citation.page })}
                </span>
              </span>
              <span className="flex flex-wrap justify-end gap-1">
                <LabelBadges classification={citation.classification} exportControl={citation.export_control} />
              </span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
