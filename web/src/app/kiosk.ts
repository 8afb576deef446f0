// A device that several people share, as at a machine: whoever leaves leaves nothing behind, and
// whoever forgets to leave is signed out. Kept per device; what is kept names nobody.
import { useSyncExternalStore } from "react";
import { noteUnreachable } from "@/api/connection";
import { Unreachable } from "@/api/problem";

export const KIOSK_MINUTES = [1, 2, 5, 10, 15, 30] as const;
const MINUTES = 5;

/** How long before the lock it is announced: WCAG 2.2, 2.2.1 wants twenty seconds at least. */
export const WARNING_S = 30;

export interface Kiosk {
  /** Minutes without a touch until the person is signed out. */
  minutes: number;
  /** The short name of the tenant that signs in here. */
  tenant: string;
}

const STORED = "kiosk";
/** Set from the wish to leave until the appliance has ended the session. */
const LEAVING = "kiosk-leaving";
const listeners = new Set<() => void>();
let kiosk: Kiosk | null = read();

function read(): Kiosk | null {
  const [minutes, tenant = ""] = (localStorage.getItem(STORED) ?? "").split(" ");
  const known = KIOSK_MINUTES.find((one) => String(one) === minutes);
  return known ? { minutes: known, tenant } : null;
}

export function setKiosk(next: Kiosk | null): void {
  kiosk = next;
  if (next) localStorage.setItem(STORED, `${next.minutes} ${next.tenant}`);
  else localStorage.removeItem(STORED);
  for (const listener of listeners) listener();
}

export const kioskNow = (): Kiosk | null => kiosk;

/** How this device is shared, if it is. */
export const useKiosk = (): Kiosk | null =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => kiosk,
  );

/** `?kiosk=5` in the address shares the device, `?kiosk=off` ends that; the address forgets it. */
export function applyKioskFlag(address: URL): void {
  const flag = address.searchParams.get("kiosk");
  if (flag === null) return;
  if (flag === "off") setKiosk(null);
  else setKiosk({ minutes: KIOSK_MINUTES.find((one) => String(one) === flag) ?? MINUTES, tenant: kiosk?.tenant ?? "" });
  address.searchParams.delete("kiosk");
  history.replaceState(history.state, "", address);
}

/** Seconds until the lock, for somebody who last touched the device at `touchedMs`. */
export const secondsLeft = (minutes: number, touchedMs: number, nowMs: number): number =>
  Math.max(0, Math.ceil((touchedMs + minutes * 60_000 - nowMs) / 1000));

/** Everything that this browser keeps, but that the device is shared. */
function forget(): void {
  const kept = [STORED, LEAVING];
  for (const name of Object.keys(localStorage)) if (!kept.includes(name)) localStorage.removeItem(name);
  sessionStorage.clear();
}

const logOut = (keepalive: boolean) => fetch("/api/v1/auth/logout", { method: "POST", keepalive });

async function endSession(): Promise<void> {
  try {
    const response = await logOut(false);
    if (response.status < 500) return;
  } catch (error) {
    noteUnreachable();
    throw new Unreachable(error);
  }
  throw new Unreachable("the appliance can't end the session now");
}

/**
 * Ends the session and begins anew with an empty page: what was in memory goes with the old one. If the
 * appliance can't be reached the new page tries again before it shows anything.
 */
export async function leaveKiosk(): Promise<void> {
  localStorage.setItem(LEAVING, "yes");
  forget();
  await finishLeaving().catch(() => null);
  location.replace("/");
}

/** Ends a session whose person left while the appliance was away. */
export async function finishLeaving(): Promise<void> {
  if (localStorage.getItem(LEAVING) === null) return;
  await endSession();
  localStorage.removeItem(LEAVING);
}

/** Whoever closes the page has left. */
export function leaveWithPage(): () => void {
  const leave = () => void logOut(true).catch(() => null);
  addEventListener("pagehide", leave);
  return () => removeEventListener("pagehide", leave);
}
