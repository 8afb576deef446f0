import { expect, it } from "vitest";
import { routerReason } from "./routerReason";
import { stepName } from "./stepName";

it("takes names of steps apart", () => {
  expect(stepName("observe.2/found")).toMatchObject({ part: "found", round: 2 });
  expect(stepName("observe.1/tools.12")).toMatchObject({ part: "tools", number: "12", round: 1 });
  expect(stepName("observe.1/tools")).toMatchObject({ part: "no_tools", round: 1 });
  expect(stepName("think.1/2.1")).toMatchObject({ part: "branch", number: "2.1" });
  expect(stepName("think.1/2.weigh")).toMatchObject({ part: "weigh", round: 1 });
  expect(stepName("think.3/claims")).toMatchObject({ part: "claims", round: 3 });
  expect(stepName("council.rebuttal.2.devils_advocate")).toMatchObject({ part: "rebuttal", round: 2, who: "devils_advocate" });
  expect(stepName("write").part).toBe("write");
  expect(stepName("something.new").part).toBe("other");
});

it("knows the reasons of the router, with the number in them", () => {
  expect(routerReason("5 documents to bring together")).toEqual({ key: "documents", value: "5" });
  expect(routerReason("an administrator has fixed the tier to heavy")).toEqual({ key: "pinned", value: "heavy" });
  expect(routerReason("the moon is full")).toBeNull();
});
