import type { Block } from "@/api/types";
import { shareOf, wordsOf } from "./words";

/** Words to be marked: a stretch of a block's text, or all of it. */
export interface Mark {
  block: number;
  start: number;
  end: number;
}

/** What a block says, its lines as one text. */
export const textOf = (block: Block): string =>
  block.table
    ? block.table.rows.flatMap((row) => row.map((cell) => cell.text)).join("\n")
    : block.lines.map((line) => line.text).join(" ");

const SHARE_MIN = 0.9;

/** A pattern of the words in order, whatever stands between them. */
function pattern(words: string[]): RegExp {
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(escaped.join("[^\\p{L}\\p{N}]+"), "iu");
}

/** Where the words stand in the blocks; empty when that is not sure. */
export function markedBlocks(words: string, blocks: Block[]): Mark[] {
  const wanted = wordsOf(words);
  if (!wanted.length) return [];
  const exact = pattern(wanted);
  for (const [block, content] of blocks.entries()) {
    const found = exact.exec(textOf(content).normalize("NFKC"));
    if (found && textOf(content).normalize("NFKC") === textOf(content)) {
      return [{ block, start: found.index, end: found.index + found[0].length }];
    }
    if (found) return [{ block, start: 0, end: textOf(content).length }];
  }
  return severalBlocks(wanted, blocks);
}

/** A passage that goes over several blocks: those that are wholly part of it. */
function severalBlocks(wanted: string[], blocks: Block[]): Mark[] {
  const marks: Mark[] = [];
  const found: string[] = [];
  for (const [block, content] of blocks.entries()) {
    const words = wordsOf(textOf(content));
    if (!words.length || shareOf(words, wanted) < SHARE_MIN) continue;
    marks.push({ block, start: 0, end: textOf(content).length });
    found.push(...words);
  }
  return shareOf(wanted, found) >= 0.5 ? marks : [];
}
