import { expect, it } from "vitest";
import type { Block } from "@/api/types";
import { pageText, wordDiff } from "./wordDiff";

const own = (side: { text: string; own: boolean }[] | undefined) => side?.filter((one) => one.own).map(({ text }) => text.trim());
const whole = (side: { text: string }[] | undefined) => side?.map(({ text }) => text).join("");

it("marks the words that only one side has, and loses none of either", () => {
  const older = "Tighten the bolts to 80 N·m. Use old gaskets.";
  const newer = "Tighten the flange bolts to 90 N·m. Use old gaskets.";
  const diff = wordDiff(older, newer);
  expect(own(diff?.older)).toEqual(["80"]);
  expect(own(diff?.newer)).toEqual(["flange", "90"]);
  expect([diff?.removed, diff?.added]).toEqual([1, 2]);
  expect(whole(diff?.older)).toBe(older);
  expect(whole(diff?.newer)).toBe(newer);
});

it("takes other blanks for no change", () => {
  const diff = wordDiff("one two\nthree", "one two three");
  expect([diff?.removed, diff?.added]).toEqual([0, 0]);
  expect(own(diff?.older)).toEqual([]);
});

it("sees a changed sign", () => {
  const diff = wordDiff("tolerance + 3 mm", "tolerance - 3 mm");
  expect(own(diff?.older)).toEqual(["+"]);
});

it("takes a page block by block, tables row by row, and leaves headers and footers out", () => {
  const line = (text: string) => ({ text, words: [], bbox: null });
  const cell = (text: string) => ({ text, column_span: 1 });
  const blocks = [
    { kind: "page_furniture", lines: [line("Page 3")] },
    { kind: "heading", level: 1, lines: [line("Torques")] },
    { kind: "table", lines: [], table: { header_rows: 0, rows: [[cell("Bolt"), cell("90")], [cell("Nut"), cell("20")]] } },
  ] as unknown as Block[];
  expect(pageText(blocks)).toBe("Torques\n\nBolt\t90\nNut\t20");
});
