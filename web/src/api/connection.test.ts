import { afterEach, expect, test, vi } from "vitest";
import { isReachable, noteReachable } from "./connection";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

test("an answer that was under way when the network went does not end the asking", async () => {
  vi.useFakeTimers();
  const fetched = vi.fn(() => Promise.reject(new TypeError("no network")));
  vi.stubGlobal("fetch", fetched);
  const online = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  dispatchEvent(new Event("offline"));
  expect(isReachable()).toBe(false);
  noteReachable();
  expect(isReachable()).toBe(false);
  await vi.advanceTimersByTimeAsync(3000);
  expect(isReachable()).toBe(false);
  // It goes on until an answer comes, and ends with it.
  fetched.mockImplementation(() => Promise.resolve(new Response()) as never);
  online.mockReturnValue(true);
  await vi.advanceTimersByTimeAsync(3000);
  expect(isReachable()).toBe(true);
  const asked = fetched.mock.calls.length;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(fetched.mock.calls.length).toBe(asked);
});
