import type { DocumentDetails } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { useSources } from "@/source/SourceContext";
import { Section } from "@/ui/Page";
import { targetOfPage } from "./targets";

interface Props {
  document: DocumentDetails;
  chunks: DocumentDetails["chunks"];
  count: number;
}

/** The beginning of what the appliance has read. */
export function ChunkList({ document, chunks, count }: Props) {
  const { t } = useTranslation();
  const sources = useSources();
  if (!chunks.length) return null;
  return (
    <Section title={t("document.content")} hint={t("document.content_hint", { shown: chunks.length, count })}>
      <ol className="flex flex-col gap-2">
        {chunks.map((chunk) => (
          <li key={chunk.id}>
            <button
              type="button"
              onClick={() => sources.open([targetOfPage(document, document.current, chunk.page_first)], 0)}
              className="flex w-full flex-col gap-1 rounded-md border px-3 py-2 text-left hover:bg-hover"
            >
              <span className="text-sm text-muted">
                {[t("source.page", { page: chunk.page_first }), ...chunk.heading_path].join(" › ")}
              </span>
              <span className="line-clamp-3">{chunk.text}</span>
            </button>
          </li>
        ))}
      </ol>
    </Section>
  );
}
