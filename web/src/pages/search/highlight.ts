/** A piece of text, and whether it was sought. */
export interface Piece {
  text: string;
  sought: boolean;
}

/** The words that a query asks for, without its operators. */
export function soughtWords(query: string): string[] {
  const free = query.replace(/\b(?:title|tag|lang|id|page):("[^"]*"|\S+)/gi, " $1 ");
  return [...new Set(free.toLowerCase().match(/[\p{L}\p{N}]+(?:[-./][\p{L}\p{N}]+)*/gu) ?? [])].filter(
    (word) => word.length > 1,
  );
}

/** Cuts text at the beginnings of words that are sought. */
export function highlight(text: string, words: string[]): Piece[] {
  if (!words.length) return [{ text, sought: false }];
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${escaped.join("|")})[\\p{L}\\p{N}]*`, "giu");
  const pieces: Piece[] = [];
  let at = 0;
  for (const found of text.matchAll(pattern)) {
    if (found.index > at) pieces.push({ text: text.slice(at, found.index), sought: false });
    pieces.push({ text: found[0], sought: true });
    at = found.index + found[0].length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), sought: false });
  return pieces;
}
