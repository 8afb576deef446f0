import { expect, it } from "vitest";
import { highlight, soughtWords } from "./highlight";

it("leaves the operators of a query out", () => {
  expect(soughtWords('title:Pump "coupling gap" tag:hydraulics F30001')).toEqual(["pump", "coupling", "gap", "hydraulics", "f30001"]);
});

it("marks words from their beginning, whatever their case", () => {
  const pieces = highlight("The Couplings' gap", ["coupling"]);
  expect(pieces.filter((piece) => piece.sought).map((piece) => piece.text)).toEqual(["Couplings"]);
  expect(pieces.map((piece) => piece.text).join("")).toBe("The Couplings' gap");
});

it("takes signs of identifiers literally", () => {
  expect(highlight("6ES7 315-2EH14 (x)", ["315-2eh14"]).some((piece) => piece.sought)).toBe(true);
  expect(highlight("aXb", ["a.b"])).toEqual([{ text: "aXb", sought: false }]);
});
