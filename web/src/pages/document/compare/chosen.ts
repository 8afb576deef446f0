import type { Revision } from "@/api/types";

/** What is compared: two revisions, and a page of each. */
export interface Chosen {
  older: Revision;
  newer: Revision;
  left: number;
  right: number;
}

type Search = Partial<Record<"older" | "newer" | "left" | "right", string>>;

const pageOf = (text: string | undefined, revision: Revision): number => {
  const page = Math.trunc(Number(text ?? 1));
  return Math.min(Math.max(Number.isFinite(page) ? page : 1, 1), revision.page_count ?? 1);
};

/** What the address asks for; the two newest where it asks for nothing that there is. */
export function chosenOf(readable: readonly Revision[], search: Search): Chosen | null {
  const numbered = (text: string | undefined) => readable.find(({ number }) => String(number) === text);
  const newer = numbered(search.newer) ?? readable.at(-1);
  const older = numbered(search.older) ?? readable.filter(({ number }) => number < (newer?.number ?? 0)).at(-1) ?? readable[0];
  if (!older || !newer || readable.length < 2) return null;
  return { older, newer, left: pageOf(search.left, older), right: pageOf(search.right, newer) };
}

/** Both pages one further, or one back, as far as there are such pages. */
export function stepped({ older, newer, left, right }: Chosen, by: 1 | -1): { left: number; right: number } | null {
  const within = (page: number, revision: Revision) => Math.min(Math.max(page + by, 1), revision.page_count ?? 1);
  const next = { left: within(left, older), right: within(right, newer) };
  return next.left === left && next.right === right ? null : next;
}
