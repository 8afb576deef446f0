const listeners = new Set<() => void>();

/** Calls `listener` when the person signs out: what is under way for them ends. */
export function onLeaving(listener: () => void): void {
  listeners.add(listener);
}

export function tellLeaving(): void {
  for (const listener of listeners) listener();
}
