import { afterEach, expect, it, vi } from "vitest";
import { applyKioskFlag, finishLeaving, kioskNow, leaveKiosk, secondsLeft, setKiosk } from "./kiosk";

afterEach(() => {
  setKiosk(null);
  localStorage.clear();
  vi.unstubAllGlobals();
});

it("shares the device from the address, and ends that", () => {
  const address = new URL("http://127.0.0.1/documents?kiosk=10&tag=a");
  vi.stubGlobal("history", { replaceState: vi.fn(), state: null });
  applyKioskFlag(address);
  expect(kioskNow()).toEqual({ minutes: 10, tenant: "" });
  expect(address.search).toBe("?tag=a");
  applyKioskFlag(new URL("http://127.0.0.1/?kiosk=7"));
  expect(kioskNow()?.minutes).toBe(5);
  applyKioskFlag(new URL("http://127.0.0.1/"));
  expect(kioskNow()?.minutes).toBe(5);
  applyKioskFlag(new URL("http://127.0.0.1/?kiosk=off"));
  expect(kioskNow()).toBeNull();
  expect(localStorage.length).toBe(0);
});

it("counts down from the last touch, through a sleep as well", () => {
  expect(secondsLeft(5, 1000, 1000)).toBe(300);
  expect(secondsLeft(5, 1000, 270_500)).toBe(31);
  expect(secondsLeft(5, 1000, 99_000_000)).toBe(0);
});

it("leaves nothing behind but that the device is shared", async () => {
  setKiosk({ minutes: 5, tenant: "plant" });
  localStorage.setItem("language", "cs");
  sessionStorage.setItem("x", "y");
  const replace = vi.fn();
  vi.stubGlobal("location", { replace });
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(null, { status: 204 }))));
  await leaveKiosk();
  expect(Object.keys(localStorage)).toEqual(["kiosk"]);
  expect(sessionStorage.length).toBe(0);
  expect(replace).toHaveBeenCalledWith("/");
});

it("ends the session later when the appliance is away", async () => {
  const fetching = vi.fn(() => Promise.reject(new TypeError("away")));
  vi.stubGlobal("location", { replace: vi.fn() });
  vi.stubGlobal("fetch", fetching);
  await leaveKiosk();
  expect(localStorage.getItem("kiosk-leaving")).toBe("yes");
  await expect(finishLeaving()).rejects.toThrow("does not answer");
  fetching.mockImplementation(() => Promise.resolve(new Response(null, { status: 204 })) as never);
  await finishLeaving();
  expect(localStorage.getItem("kiosk-leaving")).toBeNull();
  await finishLeaving();
  expect(fetching).toHaveBeenCalledTimes(3);
});
