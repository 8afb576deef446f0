// The one file that is being brought in. It goes on while other pages are looked at, so it is kept
// beside the pages; the appliance takes up to two at once, and one line has room for one.
import { useSyncExternalStore } from "react";
import { onLeaving } from "@/app/leaving";
import { hasCode } from "@/api/problem";
import { stepUp } from "@/api/stepUp";
import { sendModel } from "./sendModel";
import type { LanguageModel } from "./useModels";

export interface Importing {
  file: File;
  name: string | null;
  /** `checking` begins when all bytes are there: hash, format, room in the memory. */
  state: "sending" | "checking" | "done" | "failed" | "cancelled";
  sentBytes: number;
  model: LanguageModel | null;
  error: unknown;
}

let importing: Importing | null = null;
let control: AbortController | null = null;
const listeners = new Set<() => void>();
const endListeners = new Set<() => void>();

function set(next: Importing | null): void {
  importing = next;
  for (const listener of listeners) listener();
}

const patch = (change: Partial<Importing>): void => {
  if (importing) set({ ...importing, ...change });
};

export const useImporting = (): Importing | null =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => importing,
  );

/** Calls `listener` whenever a model has arrived, or may have: a file that was whole before it was cancelled is kept. */
export function onImportEnded(listener: () => void): () => void {
  endListeners.add(listener);
  return () => endListeners.delete(listener);
}

export const isGoing = (one: Importing | null): boolean => one?.state === "sending" || one?.state === "checking";

const warn = (event: BeforeUnloadEvent) => event.preventDefault();

export async function importModel(file: File, name: string | null): Promise<void> {
  if (isGoing(importing)) return;
  const own = new AbortController();
  control = own;
  set({ file, name, state: "sending", sentBytes: 0, model: null, error: null });
  addEventListener("beforeunload", warn);
  const sent = (bytes: number) => patch({ sentBytes: bytes, state: bytes >= file.size ? "checking" : "sending" });
  const send = () => sendModel(file, name, sent, own.signal);
  try {
    const model = await send().catch(async (error: unknown) => {
      if (!hasCode(error, "step_up_required") || !(await stepUp.ask())) throw error;
      return send();
    });
    patch({ state: "done", model });
  } catch (error) {
    if (own.signal.aborted) patch({ state: "cancelled" });
    else patch({ state: "failed", error });
  } finally {
    removeEventListener("beforeunload", warn);
    if (control === own) control = null;
    for (const listener of endListeners) listener();
  }
}

export const cancelImport = (): void => control?.abort();

export function forgetImport(): void {
  control?.abort();
  set(null);
}

onLeaving(forgetImport);
