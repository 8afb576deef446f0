import { expect, it } from "vitest";
import { durationIn } from "./duration";

it("says a stretch of time in its two largest units", () => {
  const said = [-5, 0, 2449, 9949, 59_600, 61_000, 3_600_000, 7_265_000, 172_800_000, 90_061_000].map((ms) => durationIn("en", ms));
  expect(said).toEqual([
    "0 seconds",
    "0 seconds",
    "2.4 seconds",
    "9.9 seconds",
    "1 minute",
    "1 minute 1 second",
    "1 hour",
    "2 hours 1 minute",
    "2 days",
    "1 day 1 hour",
  ]);
});

it("says it as the language does", () => {
  expect(durationIn("cs", 7_200_000)).toBe("2 hodiny");
  expect(durationIn("de", 2400, "short")).toBe("2,4 Sek.");
});
