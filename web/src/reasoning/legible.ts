// What a step has written, for people. Models answer in JSON, which comes piece by piece.

/** What a check of claims came to. */
export interface Decided {
  decision: string;
  supported: number;
  struck: number;
}

export interface Legible {
  /** Lines to be read, where the text has some. */
  lines: string[];
  /** How many facts were collected. */
  facts: number | null;
  decided: Decided | null;
}

export const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** The string values of JSON that is not there as a whole yet, without the names of its fields. */
function valuesOf(text: string): string[] {
  const lines: string[] = [];
  for (const found of text.matchAll(/"((?:[^"\\]|\\.)*)("?)(\s*:)?/g)) {
    const [, value = "", end, colon] = found;
    const isName = colon || (!end && awaitsName(text.slice(0, found.index)));
    if (!isName && value.trim()) lines.push(unescaped(value));
  }
  return lines;
}

/** Whether what follows `text` is the name of a field. */
function awaitsName(text: string): boolean {
  const open: string[] = [];
  for (const [sign] of text.matchAll(/[{}[\]]/g)) {
    if (sign === "{" || sign === "[") open.push(sign);
    else open.pop();
  }
  return open.at(-1) === "{" && !text.trimEnd().endsWith(":");
}

const unescaped = (value: string): string => String(parsed(`"${value}"`) ?? value);

/** What can be read of `text`. */
export function legible(text: string): Legible {
  const trimmed = text.trim();
  const nothing: Legible = { lines: [], facts: null, decided: null };
  if (!trimmed.startsWith("{")) return { ...nothing, lines: trimmed ? [trimmed] : [] };
  const whole = parsed(trimmed);
  if (!isObject(whole)) return { ...nothing, lines: valuesOf(trimmed) };
  if (typeof whole.decision === "string") {
    const { decision, supported, struck, unknown } = whole as unknown as Decided & { unknown?: string[] };
    return { ...nothing, lines: unknown ?? [], decided: { decision, supported, struck } };
  }
  if (Array.isArray(whole.facts) && Array.isArray(whole.searches)) {
    return { ...nothing, lines: whole.searches.map(String), facts: whole.facts.length };
  }
  return { ...nothing, lines: valuesOf(trimmed) };
}
