import { useSyncExternalStore } from "react";

const STORED = "shortcuts";
const listeners = new Set<() => void>();

export function setShortcutsOn(on: boolean): void {
  localStorage.setItem(STORED, on ? "on" : "off");
  for (const listener of listeners) listener();
}

/** Whether single keys do anything; whoever steers by voice may not want that. */
export const useShortcutsOn = (): boolean =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => localStorage.getItem(STORED) !== "off",
  );
