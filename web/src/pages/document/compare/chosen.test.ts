import { expect, it } from "vitest";
import type { Revision } from "@/api/types";
import { chosenOf, stepped } from "./chosen";

const revision = (number: number, page_count: number) => ({ id: `r${number}`, number, page_count }) as Revision;
const readable = [revision(1, 2), revision(2, 3), revision(4, 5)];

it("compares the two newest unless the address says otherwise", () => {
  const chosen = chosenOf(readable, {});
  expect([chosen?.older.number, chosen?.newer.number, chosen?.left, chosen?.right]).toEqual([2, 4, 1, 1]);
  const asked = chosenOf(readable, { older: "1", newer: "2", left: "2", right: "9" });
  expect([asked?.older.number, asked?.newer.number, asked?.left, asked?.right]).toEqual([1, 2, 2, 3]);
  expect(chosenOf(readable, { newer: "2" })?.older.number).toBe(1);
  expect(chosenOf(readable, { newer: "nine", left: "x" })?.newer.number).toBe(4);
  expect(chosenOf([revision(1, 2)], {})).toBeNull();
});

it("steps as far as there are pages on one of both sides", () => {
  const chosen = chosenOf(readable, { older: "1", newer: "2", left: "2", right: "2" });
  if (!chosen) throw new Error("nothing is chosen");
  expect(stepped(chosen, 1)).toEqual({ left: 2, right: 3 });
  expect(stepped({ ...chosen, right: 3 }, 1)).toBeNull();
  expect(stepped({ ...chosen, left: 1, right: 1 }, -1)).toBeNull();
});
