import type { TokenUsageRow } from "./useBudgets";

const DAY_MS = 86_400_000;

/** Days in UTC from the first one on, today included. */
export const daysFrom = (since: string, count: number): string[] => {
  const first = Date.parse(`${since}T00:00:00Z`);
  return Array.from({ length: count }, (_, day) => new Date(first + day * DAY_MS).toISOString().slice(0, 10));
};

export interface DayTokens {
  read: number[];
  written: number[];
}

/** Tokens of each day; days on which nothing was done have no row. */
export function perDay(days: readonly string[], rows: readonly TokenUsageRow[]): DayTokens {
  const read = days.map(() => 0);
  const written = days.map(() => 0);
  for (const row of rows) {
    const at = days.indexOf(row.day ?? "");
    if (at < 0) continue;
    read[at] = (read[at] ?? 0) + row.prompt_tokens;
    written[at] = (written[at] ?? 0) + row.completion_tokens;
  }
  return { read, written };
}

const total = (row: TokenUsageRow): number => row.prompt_tokens + row.completion_tokens;

/** Whoever or whatever used most comes first. */
export const byMost = (rows: readonly TokenUsageRow[]): TokenUsageRow[] => [...rows].sort((a, b) => total(b) - total(a));
