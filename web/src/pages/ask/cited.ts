/** A piece of an answer: words, or the number of a citation. */
export type Piece = { text: string } | { number: number };

/** Cuts an answer at its `[1]`, `[2]` …; numbers without a citation stay words. */
export function piecesOf(text: string, numbers: ReadonlySet<number>): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const found of text.matchAll(/[ \t]?\[(\d{1,3})\]/g)) {
    const number = Number(found[1]);
    if (!numbers.has(number)) continue;
    if (found.index > at) pieces.push({ text: text.slice(at, found.index) });
    pieces.push({ number });
    at = found.index + found[0].length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at) });
  return pieces;
}
