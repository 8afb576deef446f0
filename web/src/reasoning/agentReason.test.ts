import { expect, it } from "vitest";
import { agentReason } from "./agentReason";

it("knows why an agent takes part, with the words that speak for it", () => {
  expect(agentReason('the task speaks of "bearing", "spare part"')).toEqual({ key: "words", words: ["bearing", "spare part"] });
  expect(agentReason('the task speaks of "lager"')).toEqual({ key: "words", words: ["lager"] });
  expect(agentReason("it was named")?.key).toBe("named");
  expect(agentReason("no other agent is meant for such a task")?.key).toBe("nobody_else");
});

it("knows no other reasons", () => {
  expect(agentReason("the moon is full")).toBeNull();
  expect(agentReason("the task speaks of nothing")).toBeNull();
});
