import { expect, it } from "vitest";
import type { Passage } from "@/api/types";
import { narrowed, stillThere, valuesOf } from "./facets";

const hit = (document_key: string, classification: string, language: string | null): Passage =>
  ({ document_key, classification, language }) as Passage;

const hits = [hit("A", "PUBLIC", "en"), hit("A", "PUBLIC", "de"), hit("B", "INTERNAL", "de"), hit("C", "PUBLIC", null)];

const counted = (name: "document" | "classification" | "language", chosen = {}) =>
  valuesOf(hits, name, chosen).map(({ value, count }) => `${value} ${count}`);

it("counts what can be chosen", () => {
  expect(counted("document")).toEqual(["A 2", "B 1", "C 1"]);
  expect(counted("language")).toEqual(["de 2", "en 1"]);
});

it("counts within what is chosen of the other kinds", () => {
  expect(counted("document", { language: "de" })).toEqual(["A 1", "B 1"]);
  expect(counted("language", { language: "de" })).toEqual(["de 2", "en 1"]);
});

it("narrows down by everything that is chosen", () => {
  expect(narrowed(hits, { document: "A", language: "de" })).toEqual([hits[1]]);
});

it("forgets a choice that no hit has", () => {
  expect(stillThere(hits, { document: "Z", language: "de" })).toEqual({ language: "de" });
});
