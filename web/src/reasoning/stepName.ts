// Names of steps are for machines (`think.1/2.weigh`); here they are taken apart for people.

export type Part =
  | "claims" | "branch" | "weigh" | "chain" | "unknown" | "tools" | "no_tools" | "found" | "facts" | "check" | "write"
  | "opinion" | "rebuttal" | "options" | "vote" | "conclusion" | "attack" | "answer"
  | "assumptions" | "fundamentals" | "rebuild" | "other";

export interface StepName {
  part: Part;
  /** Chain, batch, branch, or turn with tools. */
  number: string | null;
  /** Round of observation or rebuttal. */
  round: number | null;
  /** Whose step it is, where it is somebody's. */
  who: string | null;
}

const PATTERNS: [RegExp, Part][] = [
  [/^observe\.(?<round>\d+)$/, "facts"],
  [/^observe\.(?<round>\d+)\/unknown$/, "unknown"],
  [/^observe\.(?<round>\d+)\/tools\.(?<number>\d+)$/, "tools"],
  [/^observe\.(?<round>\d+)\/tools$/, "no_tools"],
  [/^observe\.(?<round>\d+)\/found$/, "found"],
  [/^think\.(?<round>\d+)(\/claims)?$/, "claims"],
  [/^think\.(?<round>\d+)\/(?<number>\d+)$/, "chain"],
  [/^think\.(?<round>\d+)\/(?<number>\d+\.\d+)$/, "branch"],
  [/^think\.(?<round>\d+)\/\d+\.weigh$/, "weigh"],
  [/^verify\.(?<round>\d+)$/, "check"],
  [/^write$/, "write"],
  [/^council\.opinion\.(?<who>\w+)$/, "opinion"],
  [/^council\.rebuttal\.(?<round>\d+)\.(?<who>\w+)$/, "rebuttal"],
  [/^council\.options$/, "options"],
  [/^council\.vote\.(?<who>\w+)$/, "vote"],
  [/^council\.conclusion$/, "conclusion"],
  [/^red_team\.attack\.(?<who>\w+)$/, "attack"],
  [/^red_team\.answer\.(?<number>\d+)$/, "answer"],
  [/^first_principles\.assumptions$/, "assumptions"],
  [/^first_principles\.fundamentals$/, "fundamentals"],
  [/^first_principles\.rebuild$/, "rebuild"],
];

/** What a step's name says. */
export function stepName(name: string): StepName {
  for (const [pattern, part] of PATTERNS) {
    const groups = pattern.exec(name)?.groups;
    if (!groups && !pattern.test(name)) continue;
    const { number = null, round, who = null } = groups ?? {};
    return { part, number, round: round ? Number(round) : null, who };
  }
  return { part: "other", number: null, round: null, who: null };
}
