import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { followRun, type RunEvent } from "./followRun";
import { runKey } from "./useWorkflows";

/** What comes in quick succession is read together: everybody has so many requests a minute. */
const READ_AFTER_MS = 2500;
/** After these somebody has to see something at once. */
const AT_ONCE = ["gate.asked", "run.waiting", "run.ended"];

export interface Live {
  /** Steps that are being carried out now, by their key. */
  running: ReadonlySet<string>;
  /** Why it can't be followed. */
  error: unknown;
}

const NOTHING: Live = { running: new Set(), error: null };

/** Follows a run as long as it goes on, and has its details read again when they have changed. */
export function useFollowRun(runId: string | null | undefined, going: boolean): Live {
  const client = useQueryClient();
  const [live, setLive] = useState(NOTHING);
  useEffect(() => {
    if (!runId || !going) return;
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const read = () => {
      timer = null;
      const queryKey = runKey(runId);
      // A first reading that is under way may have been answered before this happened: it is not waited for.
      void client.cancelQueries({ queryKey }).then(() => client.invalidateQueries({ queryKey }));
    };
    const readAfter = (ms: number) => {
      if (timer && ms > 0) return;
      if (timer) clearTimeout(timer);
      timer = setTimeout(read, ms);
    };
    followRun(
      runId,
      (event) => {
        setLive((before) => ({ ...before, running: after(before.running, event) }));
        readAfter(AT_ONCE.includes(event.name) ? 0 : READ_AFTER_MS);
      },
      control.signal,
    ).catch((error: unknown) => setLive((before) => ({ ...before, error })));
    return () => {
      control.abort();
      if (timer) clearTimeout(timer);
      setLive(NOTHING);
    };
  }, [client, runId, going]);
  return live;
}

/** The steps that are being carried out once `event` has happened. */
export function after(running: ReadonlySet<string>, { name, data }: RunEvent): ReadonlySet<string> {
  if (name === "step.started" && data.step) return new Set([...running, data.step]);
  if (name === "step.finished" && data.step) return new Set([...running].filter((step) => step !== data.step));
  // Whatever was under way when the appliance was restarted begins anew.
  if (["run.started", "run.waiting", "run.ended"].includes(name)) return new Set();
  return running;
}
