import type { Passage } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { useSources } from "@/source/SourceContext";
import { targetOfPassage } from "@/source/target";
import { LabelBadges } from "@/ui/Badge";
import { highlight, soughtWords } from "./highlight";
import { PageThumb } from "./PageThumb";

interface Props {
  passages: Passage[];
  index: number;
  query: string;
  /** Shows the page beside the words. */
  pages: boolean;
}

/** A passage that was found, with the sought words marked. */
export function PassageItem({ passages, index, query, pages }: Props) {
  const { t } = useTranslation();
  const sources = useSources();
  const passage = passages[index];
  if (!passage) return null;
  const where = [passage.document_key, t("revision.number", { number: passage.revision_number }), t("source.page", { page: passage.page_first })];
  return (
    <li>
      <button
        type="button"
        onClick={() => sources.open(passages.map(targetOfPassage), index)}
        className="flex w-full gap-4 rounded-md border bg-surface px-4 py-3 text-left hover:bg-hover"
      >
        {/* Only fixed pages have boxes. */}
        {pages && passage.boxes.length > 0 && <PageThumb passage={passage} />}
        <span className="flex min-w-0 grow flex-col gap-1">
          <span className="flex w-full flex-wrap items-center gap-2">
            <span className="min-w-0 grow font-semibold">{passage.document_title}</span>
            <LabelBadges classification={passage.classification} exportControl={passage.export_control} />
          </span>
          <span className="text-sm text-muted">{[...where, ...passage.heading_path].join(" · ")}</span>
          <span lang={passage.language ?? undefined} className="line-clamp-5 whitespace-pre-line">
            {highlight(passage.text, soughtWords(query)).map((piece, part) =>
              piece.sought ? <mark key={part}>{piece.text}</mark> : piece.text,
            )}
          </span>
        </span>
      </button>
    </li>
  );
}
