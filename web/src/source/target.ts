import type { BoxView, Citation, NearestPassage, Passage } from "@/api/types";

/** A place in a document that somebody wants to see. */
export interface SourceTarget {
  document_id: string;
  document_key: string;
  document_title: string;
  revision_id: string;
  revision_number: number;
  page: number;
  heading_path: string[];
  classification: string;
  export_control: string;
  /** The words to be shown there. */
  words: string;
  /** Where they stand on a fixed page. */
  boxes: BoxView[];
  /** The number of the citation, and the chunk that tells it from those of other answers. */
  number?: number;
  chunk?: number;
}

export const targetOfCitation = ({ quote, chunk_id, ...rest }: Citation): SourceTarget => ({
  ...rest,
  words: quote,
  chunk: chunk_id,
});

export const targetOfNearest = ({ excerpt, ...rest }: NearestPassage): SourceTarget => ({
  ...rest,
  words: excerpt,
  boxes: [],
});

export const targetOfPassage = ({ text, page_first, ...rest }: Passage): SourceTarget => ({
  ...rest,
  words: text,
  page: rest.boxes[0]?.page ?? page_first,
});
