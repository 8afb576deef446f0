// The steps of a run in the order of its definition: those that have ended, those under way, and those to come.
import type { RunDetails, Step } from "./useWorkflows";

/** A node of a definition, as far as its outline goes. */
export interface Node {
  kind: string;
  id: string;
  steps?: Node[];
  branches?: Node[];
  each?: Node | null;
  nodes?: { step: Node; after?: string[] }[];
  write_checks?: Node | null;
  attempt?: Node;
  when?: unknown;
  ask?: string | null;
}

export type RowState = "done" | "failed" | "running" | "waiting" | "to_come" | "not_reached";

export interface StepRow {
  key: string;
  id: string;
  /** Which of several alike, from 1. */
  nth: number | null;
  kind: string;
  depth: number;
  state: RowState;
  /** Set once it has ended. */
  step: Step | null;
}

export interface Seen {
  steps: readonly Step[];
  running: ReadonlySet<string>;
  waiting: readonly { step: string }[];
  over: boolean;
}

/** The outermost node of a definition. */
export const rootOf = (definition: unknown): Node | null => (definition as { step?: Node } | null)?.step ?? null;

export const seenOf = (run: RunDetails, running: ReadonlySet<string>, over: boolean): Seen => ({
  steps: run.steps,
  running,
  waiting: run.waiting,
  over,
});

/** Before a run: what would be done. */
export const UNSEEN: Seen = { steps: [], running: new Set(), waiting: [], over: false };

/** What is in them has keys beside theirs. */
const CONTAINERS = ["pipeline", "graph"];

export function rowsOf(root: Node | null, seen: Seen): StepRow[] {
  const ended = new Map(seen.steps.map((step) => [step.step, step]));
  const waiting = new Set(seen.waiting.map((gate) => gate.step));
  const keys = [...ended.keys(), ...seen.running, ...waiting];
  const rows: StepRow[] = [];

  const stateOf = (key: string, inside: string[]): RowState => {
    const step = ended.get(key);
    if (step) return step.state === "failed" ? "failed" : "done";
    if (waiting.has(key)) return "waiting";
    if (seen.over) return "not_reached";
    if (seen.running.has(key)) return "running";
    const begun = inside.length > 0 && keys.some((other) => inside.some((one) => other.startsWith(one)));
    return begun ? "running" : "to_come";
  };
  const add = (node: Node, prefix: string, depth: number, nth: number | null, inside: string[] = []) => {
    const key = prefix + node.id;
    rows.push({ key, id: node.id, nth, kind: node.kind, depth, state: stateOf(key, inside), step: ended.get(key) ?? null });
  };
  /** The numbers that `stem` was used with so far: `stem[0].…` or `stem#1.…`. */
  const numbers = (stem: string, open: string): number[] => {
    const found = keys.filter((key) => key.startsWith(stem + open)).map((key) => Number.parseInt(key.slice(stem.length + 1), 10));
    return [...new Set(found)].filter(Number.isFinite).sort((a, b) => a - b);
  };
  const walk = (node: Node, prefix: string, depth: number, nth: number | null = null) => {
    const key = prefix + node.id;
    if (CONTAINERS.includes(node.kind)) {
      // The outermost ones say nothing that their steps don't say.
      const children = node.steps ?? node.nodes?.map(({ step }) => step) ?? [];
      if (depth > 0) add(node, prefix, depth, nth, children.map((child) => prefix + child.id));
      for (const child of children) walk(child, prefix, depth > 0 ? depth + 1 : 0);
      return;
    }
    const inside = [`${key}.`, `${key}[`, `${key}#`];
    add(node, prefix, depth, nth, inside);
    for (const branch of node.branches ?? []) walk(branch, `${key}.`, depth + 1);
    if (node.each) {
      const found = numbers(key, "[");
      for (const i of found) walk(node.each, `${key}[${i}].`, depth + 1, i + 1);
      if (!found.length && !ended.has(key)) walk(node.each, `${key}[0].`, depth + 1);
    }
    if (node.write_checks) walk(node.write_checks, `${key}.`, depth + 1);
    if (node.attempt) {
      const found = numbers(key, "#");
      for (const i of found) walk(node.attempt, `${key}#${i}.`, depth + 1, i);
      if (!found.length && !ended.has(key)) walk(node.attempt, `${key}#1.`, depth + 1);
    }
  };
  if (root) walk(root, "", 0);
  addUnknown(rows, ended);
  return rows;
}

const placeOf = (key: string): string => key.slice(0, key.lastIndexOf(".") + 1);

/** What has ended that the definition does not name, such as the judgement of an attempt: behind what is beside it. */
function addUnknown(rows: StepRow[], ended: Map<string, Step>): void {
  const known = new Set(rows.map(({ key }) => key));
  for (const [key, step] of ended) {
    if (known.has(key) || CONTAINERS.includes(step.kind)) continue;
    const beside = rows.findLastIndex((row) => placeOf(row.key) === placeOf(key));
    rows.splice(beside < 0 ? rows.length : beside + 1, 0, {
      key,
      id: key.slice(placeOf(key).length),
      nth: rows[beside]?.nth ?? null,
      kind: step.kind,
      depth: rows[beside]?.depth ?? 0,
      state: step.state === "failed" ? "failed" : "done",
      step,
    });
  }
}

/** `last_attempt` as one would write it: Last attempt. */
export function inWords(id: string): string {
  const words = id.replace(/_+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
