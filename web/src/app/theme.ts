import { useSyncExternalStore } from "react";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

interface Look {
  theme: Theme;
  contrast: boolean;
}

const STORED = "look";
const listeners = new Set<() => void>();
let look: Look = read();

function read(): Look {
  const [theme, contrast] = (localStorage.getItem(STORED) ?? "").split(" ");
  const known = THEMES.find((one) => one === theme);
  const wished = globalThis.matchMedia?.("(prefers-contrast: more)").matches ?? false;
  return { theme: known ?? "system", contrast: contrast ? contrast === "more" : wished };
}

/** Writes the look where the styles read it. */
export function applyLook(): void {
  const root = document.documentElement;
  if (look.theme === "system") delete root.dataset.theme;
  else root.dataset.theme = look.theme;
  if (look.contrast) root.dataset.contrast = "more";
  else delete root.dataset.contrast;
}

export function setLook(change: Partial<Look>): void {
  look = { ...look, ...change };
  localStorage.setItem(STORED, `${look.theme} ${look.contrast ? "more" : "plain"}`);
  applyLook();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Theme and contrast that were chosen on this device. */
export const useLook = (): Look => useSyncExternalStore(subscribe, () => look);
