import { expect, it } from "vitest";
import { legible } from "./legible";

it("reads what a model says out of JSON that is not there as a whole yet", () => {
  const half = '{"claims":[{"text":"The gap is \\"3\\" mm.","facts":[1]},{"text":"It is wi';
  expect(legible(half).lines).toEqual(['The gap is "3" mm.', "It is wi"]);
  expect(legible('{"cla').lines).toEqual([]);
  expect(legible('{"unknown":["the gap"],"sear').lines).toEqual(["the gap"]);
  expect(legible('{"unknown":["the gap","the wid').lines).toEqual(["the gap", "the wid"]);
});

it("leaves text as it is that is no JSON", () => {
  expect(legible(" The gap is 3 mm. ")).toEqual({ lines: ["The gap is 3 mm."], facts: null, decided: null });
  expect(legible("").lines).toEqual([]);
});

it("counts the facts that were collected, and tells the further searches", () => {
  const told = legible('{"facts":[{"fact":1,"chunk":9},{"fact":2,"chunk":4}],"searches":["P-7 gap"]}');
  expect(told).toEqual({ lines: ["P-7 gap"], facts: 2, decided: null });
});

it("tells what a check decided", () => {
  const told = legible('{"decision":"refuse","supported":0,"struck":2,"unknown":["the gap"]}');
  expect(told).toEqual({ lines: ["the gap"], facts: null, decided: { decision: "refuse", supported: 0, struck: 2 } });
});
