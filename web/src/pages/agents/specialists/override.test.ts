import { expect, it } from "vitest";
import { ApiProblem } from "@/api/problem";
import type { Agent } from "@/api/types";
import { faultOf } from "@/reasoning/faultOf";
import { changeOf, valuesOf, type Values } from "./override";

const agent = {
  name: "generalist",
  title: "Generalist",
  purpose: "Does the rest.",
  instructions: "First this.\nThen that.",
  tools: ["calculate", "read_page"],
  tier: "standard",
  ceiling: "RESTRICTED",
  turns: 8,
  answer_tokens: 1000,
  signals: ["pump", "valve"],
  examples: [{ task: "a", answer: "b" }],
  changed: [],
} as Agent;

const values = (part: Partial<Values> = {}): Values => ({ ...agent, ...part });
const none = new Set<never>();

it("changes only what was edited, whatever the order of the tools", () => {
  expect(changeOf(agent, values({ tools: ["read_page", "calculate"] }), none)).toBeNull();
  expect(changeOf(agent, values({ tier: "heavy" }), none)).toEqual({ tier: "heavy" });
});

it("keeps what was changed before unless it is taken back", () => {
  const changed = { ...agent, changed: ["title", "turns"] };
  expect(changeOf(changed, values(), none)).toEqual({ title: "Generalist", turns: 8 });
  expect(changeOf(changed, values(), new Set(["title" as const]))).toEqual({ turns: 8 });
  expect(changeOf(changed, values(), new Set(["title" as const, "turns" as const]))).toBeNull();
});

it("reads the form as it was filled in", () => {
  const data = new FormData();
  for (const [name, value] of [["title", " A "], ["instructions", "First this.\r\nThen that."], ["turns", "3"], ["signals", "pump\n\n valve "]] as const) data.set(name, value);
  data.append("tools", "calculate");
  data.append("tools", "read_page");
  const read = valuesOf(data, []);
  expect(read).toMatchObject({ title: "A", instructions: agent.instructions, turns: 3, signals: agent.signals, tools: agent.tools });
});

it("finds what is said of a field or of something in it, and of no other", () => {
  const errors = [{ field: "tools[0]", reason: "unknown" }, { field: "examples[1].task", reason: "empty" }];
  const problem = new ApiProblem({ type: "", code: "invalid_input", title: "", detail: "", status: 422, errors });
  expect(faultOf(problem, "tools")).toBe("unknown");
  expect(faultOf(problem, "examples")).toBe("empty");
  expect(faultOf(problem, "tool")).toBeNull();
  expect(faultOf(null, "tools")).toBeNull();
});
