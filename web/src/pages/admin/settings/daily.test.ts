import { expect, it } from "vitest";
import { linesOf, secondsOf } from "./daily";

const daily = {
  days: ["2026-11-27", "2026-11-28"],
  series: [
    { name: "answers", counts: [3, 4] },
    { name: "searches", counts: [1, 0] },
  ],
};

it("takes the lines that belong together, zero where nothing was counted", () => {
  expect(linesOf(daily, "questions")).toEqual([
    { name: "answers", counts: [3, 4] },
    { name: "refusals", counts: [0, 0] },
  ]);
  expect(linesOf(daily, "searches")).toEqual([{ name: "searches", counts: [1, 0] }]);
});

it("counts days in UTC", () => {
  expect(secondsOf(["1970-01-02", "2026-11-28"])).toEqual([86_400, 1_795_824_000]);
});
