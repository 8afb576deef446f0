import { describe, expect, it } from "vitest";
import { inWords, rowsOf, UNSEEN, type Node, type Seen } from "./steps";
import type { Step } from "./useWorkflows";

const step = (key: string, kind = "agent", state = "done"): Step => ({
  step: key,
  kind,
  state,
  prompt_tokens: 1,
  completion_tokens: 1,
  started_at: "2026-01-01T00:00:00Z",
  ended_at: "2026-01-01T00:00:01Z",
});
const seen = (part: Partial<Seen>): Seen => ({ ...UNSEEN, ...part });
const told = (root: Node, what: Seen) => rowsOf(root, what).map(({ key, depth, state }) => `${" ".repeat(depth)}${key} ${state}`);

const readings: Node = {
  kind: "pipeline",
  id: "all",
  steps: [
    { kind: "fan_out", id: "readings", each: { kind: "agent", id: "reading" } },
    { kind: "prompt", id: "comparison" },
  ],
};
const loop: Node = {
  kind: "pipeline",
  id: "all",
  steps: [
    { kind: "tdd_loop", id: "draft", write_checks: { kind: "prompt", id: "checks" }, attempt: { kind: "agent", id: "attempt" } },
    { kind: "gate", id: "release", ask: "Out?" },
  ],
};

describe("the steps of a run", () => {
  it("are those of the definition before anything has begun", () => {
    expect(told(readings, UNSEEN)).toEqual(["readings to_come", " readings[0].reading to_come", "comparison to_come"]);
    expect(rowsOf(null, UNSEEN)).toEqual([]);
  });

  it("are counted where the run makes several of one, and what holds them goes on with them", () => {
    const what = seen({ steps: [step("readings[1].reading")], running: new Set(["readings[0].reading", "readings[10].reading"]) });
    expect(told(readings, what)).toEqual([
      "readings running",
      " readings[0].reading running",
      " readings[1].reading done",
      " readings[10].reading running",
      "comparison to_come",
    ]);
    expect(rowsOf(readings, what)[2]!.nth).toBe(2);
  });

  it("have every attempt of a loop with what judged it, and the gate that waits", () => {
    const steps = [step("draft.checks"), step("draft#1.attempt"), step("draft#1.judge", "prompt"), step("draft#2.attempt"), step("draft", "tdd_loop")];
    expect(told(loop, seen({ steps, waiting: [{ step: "release" }] }))).toEqual([
      "draft done",
      " draft.checks done",
      " draft#1.attempt done",
      " draft#1.judge done",
      " draft#2.attempt done",
      "release waiting",
    ]);
  });

  it("were not reached when the run ended before them", () => {
    const steps = [step("readings[0].reading", "agent", "failed"), step("readings", "fan_out", "failed")];
    expect(told(readings, seen({ steps, running: new Set(["comparison"]), over: true }))).toEqual([
      "readings failed",
      " readings[0].reading failed",
      "comparison not_reached",
    ]);
  });

  it("stand further in inside of a pipeline of their own, but not in the outermost ones", () => {
    const plan: Node = {
      kind: "pipeline",
      id: "plan",
      steps: [
        { kind: "graph", id: "tasks", nodes: [{ step: { kind: "agent", id: "find" } }] },
        { kind: "fan_out", id: "both", branches: [{ kind: "pipeline", id: "left", steps: [{ kind: "value", id: "v" }] }] },
      ],
    };
    expect(told(plan, seen({ running: new Set(["both.v"]) }))).toEqual(["find to_come", "both running", " both.left running", "  both.v running"]);
  });
});

it("writes names as one would say them", () => {
  expect([inWords("last_attempt"), inWords("v"), inWords("")]).toEqual(["Last attempt", "V", ""]);
});
