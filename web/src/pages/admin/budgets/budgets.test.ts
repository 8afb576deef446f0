import { expect, it } from "vitest";
import { limitsOf, shareOf } from "./limits";
import { byMost, daysFrom, perDay } from "./tokens";
import type { TokenUsageRow } from "./useBudgets";

function form(values: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.set(name, value);
  return data;
}

it("reads limits as people write them, and nothing as no limit", () => {
  const { limits, faults } = limitsOf(form({ tenant_day: "1 000 000", tenant_month: "20.000.000", person_day: "", person_month: "5,000", overflow: "queue" }));
  expect(limits).toEqual({ tenant_day: 1_000_000, tenant_month: 20_000_000, person_day: 0, person_month: 5000, overflow: "queue" });
  expect(faults).toEqual({});
});

it("says which field is wrong", () => {
  const { faults } = limitsOf(form({ tenant_day: "many", tenant_month: "1000000000001", person_day: "-5", overflow: "refuse" }));
  expect(faults).toEqual({ tenant_day: "whole", tenant_month: "most", person_day: "whole" });
});

it("shares out what is used and set aside", () => {
  expect(shareOf(10, 0, 0)).toBeNull();
  expect(shareOf(25, 25, 100)).toEqual({ used: 0.25, reserved: 0.25, over: false });
  expect(shareOf(90, 40, 100)).toEqual({ used: 0.9, reserved: expect.closeTo(0.1), over: true });
  expect(shareOf(150, 0, 100)).toEqual({ used: 1, reserved: 0, over: true });
});

const row = (part: Partial<TokenUsageRow>): TokenUsageRow => ({
  requests: 1, prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0, beyond_budget_tokens: 0, ...part,
});

it("fills the days on which nothing was done", () => {
  const days = daysFrom("2026-02-27", 4);
  expect(days).toEqual(["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]);
  const rows = [row({ day: "2026-02-28", prompt_tokens: 7, completion_tokens: 2 }), row({ day: "2020-01-01", prompt_tokens: 9 })];
  expect(perDay(days, rows)).toEqual({ read: [0, 7, 0, 0], written: [0, 2, 0, 0] });
});

it("puts those first who used most", () => {
  const [little, much] = [row({ user_id: "a", prompt_tokens: 1 }), row({ user_id: "b", completion_tokens: 5 })];
  expect(byMost([little, much])).toEqual([much, little]);
});
