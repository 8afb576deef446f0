import { expect, it, vi } from "vitest";
import { ApiProblem } from "@/api/problem";
import { patiently } from "./ownData";

const problem = (status: number, retryAfterS: number | null = null) =>
  new ApiProblem({ type: "", code: "x", title: "", detail: "", status }, retryAfterS);

it("waits as long as the appliance says, and goes on", async () => {
  const pause = vi.fn(() => Promise.resolve());
  const request = vi.fn<() => Promise<string>>().mockRejectedValueOnce(problem(429, 7)).mockResolvedValueOnce("there");
  await expect(patiently(request, pause)).resolves.toBe("there");
  expect(pause).toHaveBeenCalledExactlyOnceWith(7.25);
});

it("gives up what was refused for another reason", async () => {
  const pause = vi.fn(() => Promise.resolve());
  await expect(patiently(() => Promise.reject(problem(403)), pause)).rejects.toThrow(ApiProblem);
  expect(pause).not.toHaveBeenCalled();
});
