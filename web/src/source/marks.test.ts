import { expect, it } from "vitest";
import type { Block } from "@/api/types";
import { markedBlocks, textOf } from "./marks";

const paragraph = (...lines: string[]): Block => ({ kind: "paragraph", lines: lines.map((text) => ({ text })) });

it("marks the quoted words and no others, over line ends", () => {
  const blocks = [paragraph("Read this first."), paragraph("Stop the pump. The coupling", "gap is 3 mm. Start again.")];
  const [mark] = markedBlocks("The coupling gap is 3 mm.", blocks);
  expect(mark?.block).toBe(1);
  expect(textOf(blocks[1]!).slice(mark?.start, mark?.end)).toBe("The coupling gap is 3 mm");
});

it("marks nothing when the words are not there", () => {
  expect(markedBlocks("The coupling gap is 4 mm.", [paragraph("The coupling gap is 3 mm.")])).toEqual([]);
  expect(markedBlocks("", [paragraph("x")])).toEqual([]);
});

it("marks a passage that goes over several blocks", () => {
  const blocks = [paragraph("Before."), paragraph("First step: close the valve."), paragraph("Second step: vent.")];
  const marks = markedBlocks("First step: close the valve.\nSecond step: vent.", blocks);
  expect(marks.map((mark) => mark.block)).toEqual([1, 2]);
});

it("reads tables cell by cell", () => {
  const table: Block = {
    kind: "table",
    lines: [],
    table: { header_rows: 1, rows: [[{ text: "Code", column_span: 1 }], [{ text: "F30001", column_span: 1 }]] },
  };
  expect(markedBlocks("F30001", [table])[0]?.block).toBe(0);
});
