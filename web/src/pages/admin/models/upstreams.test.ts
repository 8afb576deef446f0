import { expect, it } from "vitest";
import { causeOf, elsewhereIn, saysMore } from "./upstreams";
import type { UpstreamModel } from "./useModels";

const upstream = (name: string, tiers: string[]): UpstreamModel => ({ name, tiers }) as UpstreamModel;

it("knows who of other machines is a member of a tier", () => {
  const [large, small] = [upstream("gpu-1", ["standard", "heavy"]), upstream("gpu-2", ["light", "standard"])];
  expect(elsewhereIn([large, small], "standard")).toEqual([large, small]);
  expect(elsewhereIn([large, small], "heavy")).toEqual([large]);
  expect(elsewhereIn([], "light")).toEqual([]);
});

it("knows what is to be done by what the appliance says", () => {
  const said = {
    key: ["it refuses the key that is configured"],
    model: ["it does not know the call or the model that is configured", "it does not know the model that is configured"],
    silent: ["it did not answer in time", "it can't be reached: timed_out"],
    name: ["it can't be reached: name_unresolved"],
    address: ["it can't be reached: address_refused"],
    connection: ["it can't be reached: connect_failed"],
    certificate: ["it can't be reached: tls_failed"],
    speech: [
      "its list of models can't be read", "it answers with status 500",
      "it can't be reached: exchange_failed", "it can't be reached: redirected",
    ],
    other: ["it can't be reached: not_recorded", "something that nobody has thought of"],
  };
  for (const [cause, details] of Object.entries(said)) {
    for (const detail of details) expect([detail, causeOf(detail)]).toEqual([detail, cause]);
  }
});

it("shows the appliance's own words where they tell more than the cause", () => {
  expect(["it can't be reached: tls_failed", "it answers with status 500", "something new"].every(saysMore)).toBe(true);
  expect(["it refuses the key that is configured", "it did not answer in time", ""].some(saysMore)).toBe(false);
});
