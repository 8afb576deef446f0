import { expect, it } from "vitest";
import type { StepEvent } from "@/api/stream";
import type { Trace } from "@/api/types";
import { stepsOf, stepsOfTrace, tokensOf } from "./steps";

const started = (step: string, kind = "think"): StepEvent => ({ name: "step.started", data: { step, kind, tier: "light" } });
const token = (step: string, text: string): StepEvent => ({ name: "step.token", data: { step, text } });
const finished = (step: string, more: object = {}): StepEvent => ({
  name: "step.finished",
  data: { step, tokens: { prompt_tokens: 10, cached_tokens: 4, completion_tokens: 2 }, elapsed_ms: 90, ...more },
});
const verdict = (text: string, supported: boolean): StepEvent => ({ name: "verdict", data: { text, supported } });

it("keeps steps apart that run side by side", () => {
  const steps = stepsOf([started("think.1/1"), started("think.1/2"), token("think.1/1", "a"), token("think.1/2", "b"), token("think.1/1", "c"), finished("think.1/2")]);
  expect(steps.map(({ name, text, state }) => [name, text, state])).toEqual([
    ["think.1/1", "ac", "running"],
    ["think.1/2", "b", "done"],
  ]);
});

it("takes a step that begins again for another try", () => {
  const steps = stepsOf([started("write"), token("write", "x"), finished("write"), started("write"), token("write", "y")]);
  expect(steps.map(({ text, state }) => [text, state])).toEqual([["x", "done"], ["y", "running"]]);
});

it("gives verdicts to the step that checks, and counts what everything cost", () => {
  const steps = stepsOf([started("think.1"), finished("think.1"), started("verify.1", "verify"), verdict("Holds.", true), verdict("Does not.", false), finished("verify.1")]);
  expect(steps[1]?.verdicts.map(({ supported }) => supported)).toEqual([true, false]);
  expect(tokensOf(steps)).toBe(24);
  expect(steps[0]?.elapsedMs).toBe(90);
});

it("reads the events of thinking tools, which tell tokens beside the step, or why it failed", () => {
  const steps = stepsOf([
    { name: "step.started", data: { step: "council.opinion.safety" } },
    { name: "step.finished", data: { step: "council.opinion.safety", prompt_tokens: 7, completion_tokens: 3 } },
    { name: "step.started", data: { step: "council.vote.safety" } },
    { name: "step.finished", data: { step: "council.vote.safety", error: "run_budget_exhausted" } },
  ]);
  expect(steps.map(({ state, tokens, error }) => [state, tokens, error])).toEqual([
    ["done", 10, null],
    ["failed", null, "run_budget_exhausted"],
  ]);
});

it("does not mind events of steps that it has not seen begin", () => {
  expect(stepsOf([token("think.1", "x"), verdict("y", true), finished("think.1")])).toEqual([]);
});

it("shows a stored run like one that was watched", () => {
  const step = { name: "verify.1", kind: "verify", tier: null, output: "{}", tokens: { prompt_tokens: 1, cached_tokens: 0, completion_tokens: 2 }, elapsed_ms: 5, verdicts: [{ text: "a", supported: true }] };
  const [read] = stepsOfTrace({ steps: [step] } as unknown as Trace);
  expect(read).toMatchObject({ name: "verify.1", tokens: 3, state: "done", verdicts: [{ text: "a" }] });
});
