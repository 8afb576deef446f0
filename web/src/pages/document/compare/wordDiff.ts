import { diffWordsWithSpace } from "diff";
import type { Block } from "@/api/types";
import { textOf } from "@/source/marks";

/** What a comparison may take before it is given up. */
const TIMEOUT_MS = 2000;

/** A stretch of one side, and whether the other has it too. */
export interface Stretch {
  text: string;
  own: boolean;
}

export interface WordDiff {
  older: Stretch[];
  newer: Stretch[];
  /** Words that only one side has. */
  removed: number;
  added: number;
}

/** The text of a page, block by block; headers and footers of a page say nothing about its content. */
export const pageText = (blocks: readonly Block[]): string =>
  blocks
    .filter(({ kind }) => kind !== "page_furniture")
    .map((block) => (block.table ? block.table.rows.map((row) => row.map(({ text }) => text).join("\t")).join("\n") : textOf(block)))
    .join("\n\n");

const wordsIn = (text: string): number => text.match(/[\p{L}\p{N}]+/gu)?.length ?? 0;

/** Compares two texts word by word; `null` when they differ too much for that. */
export function wordDiff(older: string, newer: string): WordDiff | null {
  const changes = diffWordsWithSpace(older, newer, { timeout: TIMEOUT_MS });
  if (!changes) return null;
  const diff: WordDiff = { older: [], newer: [], removed: 0, added: 0 };
  for (const { value, added, removed } of changes) {
    // Blanks alone are how a page is set, and no change of what it says.
    const own = wordsIn(value) > 0 || /\S/.test(value);
    if (removed) {
      diff.older.push({ text: value, own });
      diff.removed += wordsIn(value);
    } else if (added) {
      diff.newer.push({ text: value, own });
      diff.added += wordsIn(value);
    } else {
      diff.older.push({ text: value, own: false });
      diff.newer.push({ text: value, own: false });
    }
  }
  return diff;
}
