import type { BoxView } from "@/api/types";
import { shareOf, wordsOf } from "./words";

/** A piece of a page's text and where it stands, in points from the top left corner. */
export interface PlacedText {
  text: string;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The share of the quoted words that must stand in the boxes. */
const SHARE_MIN = 0.75;
/** How far two readers of a page may be apart about its size. */
const SIZE_TOLERANCE_PT = 1;

interface Size {
  width: number;
  height: number;
}

/** Whether both speak of the same page geometry. */
export const isSameSize = (a: Size, b: Size): boolean =>
  Math.abs(a.width - b.width) <= SIZE_TOLERANCE_PT && Math.abs(a.height - b.height) <= SIZE_TOLERANCE_PT;

/** The text that stands in the boxes: pieces whose middle line runs through one. */
export function textIn(boxes: BoxView[], texts: PlacedText[]): string {
  const inside = texts.filter((piece) => {
    const middle = (piece.top + piece.bottom) / 2;
    return boxes.some(
      (box) => middle >= box.top && middle <= box.bottom && piece.right > box.left && piece.left < box.right,
    );
  });
  return inside.map((piece) => piece.text).join(" ");
}

/**
 * Whether the quote stands where the boxes say. A highlight at the wrong place is worse than none:
 * the boxes count only if the page's own text agrees.
 */
export function isLocated(quote: string, boxes: BoxView[], texts: PlacedText[]): boolean {
  if (!boxes.length) return false;
  const there = textIn(boxes, texts);
  const share = shareOf(wordsOf(quote), wordsOf(there));
  if (share >= SHARE_MIN) return true;
  // Readers cut words differently; letters they agree about.
  const letters = (text: string) => wordsOf(text).join("");
  return letters(quote).length > 0 && letters(there).includes(letters(quote));
}

/**
 * Whether the boxes hold words of the quote and little else: for a quote that goes on on another
 * page, of which only a part can stand here.
 */
export function isPartLocated(quote: string, boxes: BoxView[], texts: PlacedText[]): boolean {
  const there = wordsOf(textIn(boxes, texts));
  return there.length > 0 && shareOf(there, wordsOf(quote)) >= SHARE_MIN;
}
