import { useRef } from "react";
import type { Citation } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { useSources } from "@/source/SourceContext";
import { targetOfCitation } from "@/source/target";
import { cx } from "@/ui/cx";
import { QuoteCard } from "./QuoteCard";
import { useLingering } from "./useLingering";

interface Props {
  number: number;
  citations: Citation[];
}

/** A citation's number: shows the quote to those who linger, the page to those who press. */
export function CitationMark({ number, citations }: Props) {
  const { t } = useTranslation();
  const sources = useSources();
  const button = useRef<HTMLButtonElement>(null);
  const { lingering, leave, hold } = useLingering(button);
  const index = citations.findIndex((citation) => citation.number === number);
  const citation = citations[index];
  if (!citation) return null;
  const shown = sources.targets[sources.index];
  const current = shown?.number === number && shown.chunk === citation.chunk_id;
  return (
    <>
      <button
        ref={button}
        type="button"
        aria-label={t("citation.open", { number, title: citation.document_title, page: citation.page })}
        aria-pressed={current}
        onClick={() => {
          leave();
          sources.open(citations.map(targetOfCitation), index);
        }}
        className={cx(
          "relative mx-0.5 inline-flex h-6 min-w-6 items-center justify-center rounded-sm px-1 align-text-top text-xs font-semibold tabular-nums",
          // What a finger hits is larger than what is seen.
          "after:absolute after:-inset-x-1.5 after:-inset-y-2.5",
          current ? "bg-accent text-on-accent" : "bg-accent-soft text-accent-strong hover:bg-accent hover:text-on-accent",
        )}
      >
        {number}
      </button>
      {lingering && <QuoteCard citation={citation} beside={lingering} onEnter={hold} onLeave={leave} />}
    </>
  );
}
