import { expect, it } from "vitest";
import { dayOf, endOf } from "./days";

it("keeps what expires on a day until that day is over", () => {
  expect(dayOf(endOf("2027-03-31"))).toBe("2027-03-31");
  expect(new Date(endOf("2027-03-31")).getHours()).toBe(23);
  expect([dayOf(null), dayOf(undefined)]).toEqual(["", ""]);
});
