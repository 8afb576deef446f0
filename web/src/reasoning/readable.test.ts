import { expect, it } from "vitest";
import { readable } from "./readable";

it("shows fields one below the other, with what is in them further in", () => {
  const found = { passages: [{ document: "PN-7", page: 3, headings: ["1 Pump", "1.2 Gap"], text: "First.\nSecond." }, { document: "MM-1", page: null }] };
  expect(readable(JSON.stringify(found))).toBe(
    "passages:\n  document: PN-7\n  page: 3\n  headings: 1 Pump, 1.2 Gap\n  text: First.\n    Second.\n\n  document: MM-1\n  page: null",
  );
  expect(readable('{"expression":"90 N*m / 3"}')).toBe("expression: 90 N*m / 3");
  expect(readable("{}")).toBe("");
});

it("reads rows in a row", () => {
  expect(readable('{"columns":["part","mm"],"rows":[["seal",3],["ring",4.5]],"more_rows":false}')).toBe(
    "columns: part, mm\nrows:\n  seal, 3\n  ring, 4.5\nmore_rows: false",
  );
});

it("reads what was cut off as far as it goes", () => {
  expect(readable('{"text":"A \\"gap\\" of 3\\u00a0mm\\nand m…')).toBe('text: A "gap" of 3\u00a0mm\n  and m…');
  expect(readable('{"text":"A gap\\')).toBe("text: A gap\\");
  expect(readable('{"te')).toBe("te");
});

it("leaves text as it is that is no JSON, markup included", () => {
  for (const text of ["error (tool_unknown): no such tool", "[1] The gap: 3 mm", "{gap}", "<b>3 mm</b>", ""]) {
    expect(readable(text)).toBe(text);
  }
});
