/** Words as they are compared: without case, accents' composition, hyphenation and punctuation. */
export function wordsOf(text: string): string[] {
  const plain = text.normalize("NFKC").toLowerCase().replace(/(\p{L})[-\u00ad]\s*\n\s*(\p{L})/gu, "$1$2");
  return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** The share of the wanted words that are there, each counted as often as it occurs; 0 to 1. */
export function shareOf(wanted: string[], there: string[]): number {
  if (!wanted.length) return 0;
  const counts = new Map<string, number>();
  for (const word of there) counts.set(word, (counts.get(word) ?? 0) + 1);
  let found = 0;
  for (const word of wanted) {
    const left = counts.get(word) ?? 0;
    if (!left) continue;
    found += 1;
    counts.set(word, left - 1);
  }
  return found / wanted.length;
}
