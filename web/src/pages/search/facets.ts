import type { Passage } from "@/api/types";

/** What the hits can be narrowed down by. */
export const FACETS = ["document", "classification", "language"] as const;
export type FacetName = (typeof FACETS)[number];

export type Chosen = Partial<Record<FacetName, string>>;

export interface FacetValue {
  value: string;
  count: number;
  /** One of the hits that have it. */
  example: Passage;
}

const VALUES: Record<FacetName, (passage: Passage) => string | null | undefined> = {
  document: (passage) => passage.document_key,
  classification: (passage) => passage.classification,
  language: (passage) => passage.language,
};

const fits = (passage: Passage, chosen: Chosen, but?: FacetName): boolean =>
  FACETS.every((name) => name === but || !chosen[name] || VALUES[name](passage) === chosen[name]);

/** The hits that have everything that was chosen. */
export const narrowed = (passages: readonly Passage[], chosen: Chosen): Passage[] =>
  passages.filter((passage) => fits(passage, chosen));

/** What can be chosen of one kind beside what is chosen of the others; the most frequent comes first. */
export function valuesOf(passages: readonly Passage[], name: FacetName, chosen: Chosen): FacetValue[] {
  const found = new Map<string, FacetValue>();
  for (const passage of passages) {
    const value = VALUES[name](passage);
    if (!value || !fits(passage, chosen, name)) continue;
    const before = found.get(value);
    found.set(value, { value, count: (before?.count ?? 0) + 1, example: passage });
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
}

/** What of the choice there still is among other hits. */
export function stillThere(passages: readonly Passage[], chosen: Chosen): Chosen {
  const kept: Chosen = {};
  for (const name of FACETS) {
    if (passages.some((passage) => VALUES[name](passage) === chosen[name])) kept[name] = chosen[name];
  }
  return kept;
}
