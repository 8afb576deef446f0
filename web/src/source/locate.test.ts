import { describe, expect, it } from "vitest";
import type { BoxView } from "@/api/types";
import { isLocated, isSameSize, textIn, type PlacedText } from "./locate";

const line = (text: string, top: number): PlacedText => ({ text, left: 70, top, right: 300, bottom: top + 10 });
const box = (top: number): BoxView => ({ page: 1, left: 70, top: top - 1, right: 300, bottom: top + 11 });
const page = [line("Check the oil level daily.", 100), line("The coupling gap is 3 mm.", 120), line("Wear gloves.", 140)];

describe("the boxes of a quote", () => {
  it("count where the page's own text agrees", () => {
    expect(isLocated("The coupling gap is 3 mm.", [box(120)], page)).toBe(true);
    expect(textIn([box(120)], page)).toBe("The coupling gap is 3 mm.");
  });

  it("do not count on another line", () => {
    expect(isLocated("The coupling gap is 3 mm.", [box(100)], page)).toBe(false);
    expect(isLocated("The coupling gap is 3 mm.", [box(140)], page)).toBe(false);
  });

  it("do not count without text or without boxes", () => {
    expect(isLocated("The coupling gap is 3 mm.", [box(120)], [])).toBe(false);
    expect(isLocated("The coupling gap is 3 mm.", [], page)).toBe(false);
  });

  it("cover several lines, also where a word is divided", () => {
    const divided = [line("Grease the spin-", 100), line("dle every 500 hours.", 112)];
    expect(isLocated("Grease the spindle every 500 hours.", [box(100), box(112)], divided)).toBe(true);
  });

  it("survive a reader that puts blanks between letters", () => {
    expect(isLocated("Druck prüfen", [box(100)], [line("D r u c k p r ü f e n", 100)])).toBe(true);
  });
});

it("pages of other sizes are other pages", () => {
  expect(isSameSize({ width: 595, height: 842 }, { width: 595.3, height: 841.9 })).toBe(true);
  expect(isSameSize({ width: 595, height: 842 }, { width: 842, height: 595 })).toBe(false);
});
