import type { Citation } from "@/api/types";
import { piecesOf } from "../cited";
import { CitationMark } from "./CitationMark";

interface Props {
  text: string;
  citations: Citation[];
}

/**
 * An answer with its numbered citations. The words are the document's own, so they are shown
 * letter by letter and never taken as Markdown: `5 * 3 * 2` must not become slanted.
 */
export function CitedText({ text, citations }: Props) {
  const numbers = new Set(citations.map((citation) => citation.number));
  return (
    <div className="answer text-lg leading-relaxed whitespace-pre-wrap">
      {piecesOf(text, numbers).map((piece, index) =>
        "text" in piece ? (
          <span key={index}>{piece.text}</span>
        ) : (
          <CitationMark key={index} number={piece.number} citations={citations} />
        ),
      )}
    </div>
  );
}
