import type { components } from "@/api/schema";
import type { DocumentDetails } from "@/api/types";
import { sameDetails } from "./details";
import { labelChange } from "./labelChange";

type DocumentPatch = components["schemas"]["DocumentPatch"];

interface Wanted {
  title: string;
  tags: string[];
  metadata: Record<string, unknown>;
  label: { classification: string; export_control: string };
  all_revisions: boolean;
}

/** What differs from what is stored, as the API takes it; `null` when nothing does. */
export function patchOf(document: DocumentDetails, wanted: Wanted): Omit<DocumentPatch, "reason"> | null {
  const { current } = document;
  const patch: Omit<DocumentPatch, "reason"> = {};
  const title = wanted.title.trim();
  if (title !== document.title) patch.title = title;
  const tags = wanted.tags.map((tag) => tag.trim()).filter(Boolean);
  if (tags.join() !== current.tags.join()) patch.tags = tags;
  if (!sameDetails(wanted.metadata, current.metadata)) patch.metadata = wanted.metadata as DocumentPatch["metadata"];
  if (labelChange(current, wanted.label) !== "kept") {
    Object.assign(patch, wanted.label);
    if (wanted.all_revisions) patch.all_revisions = true;
  }
  return Object.keys(patch).length ? patch : null;
}
