import { useSyncExternalStore } from "react";

/** How often an appliance that does not answer is asked again. */
const PROBE_MS = 3000;

let reachable = true;
let timer: ReturnType<typeof setTimeout> | null = null;
const listeners = new Set<() => void>();

function set(value: boolean): void {
  if (reachable === value) return;
  reachable = value;
  for (const listener of listeners) listener();
}

async function probe(): Promise<void> {
  timer = null;
  try {
    await fetch("/health/live", { cache: "no-store" });
    noteReachable();
  } catch {
    noteUnreachable();
  }
}

/** Says that a request was answered. */
export function noteReachable(): void {
  // One that was under way when the network went says nothing of now: the appliance is about to be asked.
  if (timer && !navigator.onLine) return;
  if (timer) clearTimeout(timer);
  timer = null;
  set(true);
}

/** Says that a request got no answer; the appliance is asked until one comes. */
export function noteUnreachable(): void {
  set(false);
  timer ??= setTimeout(() => void probe(), PROBE_MS);
}

/** Calls `listener` whenever the appliance comes or goes. */
export function onConnection(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const isReachable = (): boolean => reachable;

/** Whether the appliance answered last time. */
export const useReachable = (): boolean => useSyncExternalStore(onConnection, isReachable);

globalThis.addEventListener?.("offline", noteUnreachable);
globalThis.addEventListener?.("online", () => void probe());
