import { expect, it } from "vitest";
import { emptyWish, requestOf } from "@/reasoning/thinking/tools";
import { settingsOf } from "./settings";

it("leaves out what was left empty", () => {
  const data = new FormData();
  data.set("strategy", "");
  data.set("temperature", "0,7");
  data.set("seed", "0");
  data.set("agent", "");
  expect(settingsOf(data)).toEqual({ agent: undefined, strategy: undefined, tier: undefined, temperature: 0.7, seed: 0, budget_tokens: undefined });
  data.set("agent", "data_analyst");
  expect(settingsOf(data).agent).toBe("data_analyst");
});

it("holds a run of a thinking tool to what was shown, or to what was typed", () => {
  const wish = { ...emptyWish("Change the seal?", " "), members: "3", rounds: "0" };
  expect(requestOf("council", wish, 900)).toMatchObject({ members: 3, rounds: 0, budget_tokens: 900, draft: undefined });
  expect(requestOf("council", { ...wish, budget: "500" }, 900).budget_tokens).toBe(500);
  expect(requestOf("first_principles", wish)).toMatchObject({ members: undefined, rounds: undefined, budget_tokens: undefined });
  expect(requestOf("red_team", wish)).toMatchObject({ members: 3, rounds: undefined });
});
