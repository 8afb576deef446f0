import type { Document, Revision } from "@/api/types";
import type { SourceTarget } from "@/source/target";

/** A page of a revision, with words to be marked if there are any. */
export const targetOfPage = (document: Document, revision: Revision, page = 1, words = ""): SourceTarget => ({
  document_id: document.id,
  document_key: document.key,
  document_title: document.title,
  revision_id: revision.id,
  revision_number: revision.number,
  page,
  heading_path: [],
  classification: revision.classification,
  export_control: revision.export_control,
  words,
  boxes: [],
});
