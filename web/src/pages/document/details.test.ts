import { expect, it } from "vitest";
import { detailsOf, linesOf, said } from "./details";

it("goes from details to lines and back", () => {
  const details = { manufacturer: "Sulzer", line: 4, drawings: ["A1", "A2"], note: "see: chapter 3" };
  expect(linesOf(details)).toBe('manufacturer: Sulzer\nline: 4\ndrawings: ["A1","A2"]\nnote: see: chapter 3');
  expect(detailsOf(linesOf(details), details)).toEqual({ details });
});

it("takes what was changed or added as text, and names the line that says nothing", () => {
  expect(detailsOf("line: 5\n\n maker :  ABB ", { line: 4 })).toEqual({ details: { line: "5", maker: "ABB" } });
  expect(detailsOf("a: b\nno colon", {})).toEqual({ fault: 2 });
  expect(detailsOf(": nameless", {})).toEqual({ fault: 1 });
});

it("reads several things one after the other", () => {
  expect([said("Sulzer"), said(["P-101", "P-102"]), said({ bar: 6 })]).toEqual(["Sulzer", "P-101, P-102", '{"bar":6}']);
});
