import type { DailyMetrics } from "@/api/types";

/** What is looked at together, by the names of the series. */
export const GROUPS = {
  questions: ["answers", "refusals"],
  searches: ["searches"],
  uploads: ["uploads"],
  sign_ins: ["sign_ins", "failed_sign_ins"],
  denied: ["denied"],
} as const;

export type Group = keyof typeof GROUPS;
export type SeriesName = (typeof GROUPS)[Group][number];

export const GROUP_NAMES = Object.keys(GROUPS) as Group[];

export interface Line {
  name: SeriesName;
  counts: number[];
}

/** The lines of a group, each as long as there are days. */
export const linesOf = (daily: DailyMetrics, group: Group): Line[] =>
  GROUPS[group].map((name) => ({
    name,
    counts: daily.series.find((series) => series.name === name)?.counts ?? daily.days.map(() => 0),
  }));

/** Midnight of each day in UTC, in seconds since the epoch. */
export const secondsOf = (days: readonly string[]): number[] => days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000);
