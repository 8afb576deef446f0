// What a run did, step by step: folded from the events of a stream, or read from a stored trace.
import type { StepEvent } from "@/api/stream";
import type { Trace, TraceStep } from "@/api/types";

/** What the check said of one sentence. */
export interface Verdict {
  text: string;
  supported: boolean;
  strike?: { reason: string; detail?: string };
}

export interface Step {
  name: string;
  /** `observe`, `think`, `weigh` or `verify`; nothing where a tool does not say. */
  kind: string | null;
  tier: string | null;
  /** What came out so far; of a model it is not checked. */
  text: string;
  /** Prompt and reply together. */
  tokens: number | null;
  elapsedMs: number | null;
  state: "running" | "done" | "failed";
  /** Code of what went wrong. */
  error: string | null;
  verdicts: Verdict[];
}

interface StepData {
  step: string;
  kind?: string;
  tier?: string | null;
  text?: string;
  tokens?: { prompt_tokens: number; completion_tokens: number };
  prompt_tokens?: number;
  completion_tokens?: number;
  elapsed_ms?: number;
  error?: string;
}

const begun = ({ step, kind, tier }: StepData): Step => ({
  name: step,
  kind: kind ?? null,
  tier: tier ?? null,
  text: "",
  tokens: null,
  elapsedMs: null,
  state: "running",
  error: null,
  verdicts: [],
});

function spent(data: StepData): number | null {
  const { prompt_tokens, completion_tokens } = data.tokens ?? data;
  return prompt_tokens === undefined || completion_tokens === undefined ? null : prompt_tokens + completion_tokens;
}

/** The steps that the events so far tell of. Steps with one name are tries of one. */
export function stepsOf(events: readonly StepEvent[]): Step[] {
  const steps: Step[] = [];
  const running = (name: string) => steps.findLast((step) => step.name === name && step.state === "running");
  for (const { name, data } of events) {
    if (name === "verdict") {
      // A verdict names no step: what is under way last is what checks.
      const step = steps.findLast((one) => one.state === "running") ?? steps.at(-1);
      step?.verdicts.push(data as Verdict);
      continue;
    }
    const about = data as StepData;
    if (name === "step.started") steps.push(begun(about));
    const step = running(about.step);
    if (!step) continue;
    if (name === "step.token") step.text += about.text ?? "";
    if (name === "step.finished") {
      step.state = about.error ? "failed" : "done";
      step.error = about.error ?? null;
      step.tokens = spent(about);
      step.elapsedMs = about.elapsed_ms ?? null;
    }
  }
  return steps;
}

const stepOfTrace = (step: TraceStep): Step => ({
  name: step.name,
  kind: step.kind,
  tier: step.tier ?? null,
  text: step.output,
  tokens: step.tokens.prompt_tokens + step.tokens.completion_tokens,
  elapsedMs: step.elapsed_ms,
  state: "done",
  error: null,
  verdicts: step.verdicts as Verdict[],
});

export const stepsOfTrace = (trace: Trace): Step[] => trace.steps.map(stepOfTrace);

/** What the run has cost so far. */
export const tokensOf = (steps: readonly Step[]): number => steps.reduce((sum, { tokens }) => sum + (tokens ?? 0), 0);
