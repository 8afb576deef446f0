import { useCallback, useEffect, useRef, useState } from "react";
import { follow, isOfStep, type StepEvent } from "@/api/stream";

/** Work that is told as it is done. */
export interface Streamed<T> {
  state: "idle" | "running" | "stopped" | "failed" | "done";
  events: StepEvent[];
  result: T | null;
  error: unknown;
}

const IDLE = { state: "idle", events: [], result: null, error: null } as const;

/** Begins work at `path` and keeps what it tells; leaving the page ends it. */
export function useStreamed<T>(path: string, onDone?: (result: T) => void) {
  const [work, setWork] = useState<Streamed<T>>({ ...IDLE, events: [] });
  const control = useRef<AbortController | null>(null);
  const told = useRef(onDone);
  told.current = onDone;
  useEffect(() => () => control.current?.abort(), []);

  const begin = useCallback(
    async (body: object) => {
      const own = new AbortController();
      control.current?.abort();
      control.current = own;
      const change = (part: (before: Streamed<T>) => Partial<Streamed<T>>) =>
        setWork((before) => (control.current === own ? { ...before, ...part(before) } : before));
      setWork({ ...IDLE, state: "running", events: [] });
      const event = (name: string, data: unknown) => {
        if (isOfStep(name)) change(({ events }) => ({ events: [...events, { name, data }] }));
      };
      try {
        const result = await follow<T>(path, body, event, own.signal);
        change(() => ({ state: "done", result }));
        told.current?.(result);
      } catch (error) {
        change(() => (own.signal.aborted ? { state: "stopped" } : { state: "failed", error }));
      }
    },
    [path],
  );
  return { ...work, begin: (body: object) => void begin(body), stop: () => control.current?.abort() };
}
