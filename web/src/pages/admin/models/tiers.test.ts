import { expect, it } from "vitest";
import { formats } from "@/i18n/format";
import { isBeingTried, proven, rounded, servingIn, withUnits } from "./tiers";
import type { LanguageModel } from "./useModels";

const model = (name: string, tiers: string[], trial: Partial<LanguageModel["trial"]>, purpose = "generate"): LanguageModel =>
  ({ name, tiers, purpose, trial: { state: "none", ...trial } }) as LanguageModel;

const cogwheel = model("Cogwheel", ["light", "standard"], { state: "passed", passed_at: "2026-01-31T00:00:00Z" });
const flywheel = model("Flywheel", ["light"], { state: "running", passed_at: "2026-01-31T00:00:00Z" });
const fresh = model("Fresh", [], { state: "waiting" });
const compass = model("Compass", ["embed"], { state: "passed", passed_at: "2026-01-31T00:00:00Z" }, "embed");
const all = [cogwheel, flywheel, fresh, compass];

it("knows who serves a tier, and who may", () => {
  expect(servingIn(all, "light")).toEqual([cogwheel, flywheel]);
  expect(servingIn(all, "heavy")).toEqual([]);
  // Being measured again takes nothing away from a model that has passed before.
  expect(proven(all, "heavy")).toEqual([cogwheel, flywheel]);
  expect(proven(all, "embed")).toEqual([compass]);
  expect(proven(all, "rerank")).toEqual([]);
});

it("knows whose trial goes on", () => {
  expect(all.filter(isBeingTried)).toEqual([flywheel, fresh]);
});

it("rounds rates as far as they were measured", () => {
  expect([rounded(7.2649), rounded(99.96), rounded(1234.5)]).toEqual([7.3, 100, 1235]);
});

it("makes bytes in what the appliance says readable, in the language at hand", () => {
  const detail = "weights of 5368709120 bytes, 40 bytes more";
  expect(withUnits(detail, formats("de").bytes)).toBe(`weights of ${formats("de").bytes(5_368_709_120)}, 40 bytes more`);
});
