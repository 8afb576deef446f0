import { tellSession } from "@/api/client";
import { noteReachable, noteUnreachable } from "@/api/connection";
import { readEvents } from "@/api/events";
import { ApiProblem, problemOf } from "@/api/problem";

/** Pauses before a stream that broke off is taken up again; the last one is repeated. */
const PAUSES_MS = [500, 1000, 2000, 5000];

export interface RunEvent {
  name: string;
  data: { step?: string; kind?: string; state?: string; error?: string | null };
}

/**
 * Tells what happens in a run, from its beginning until it has ended. A stream that breaks off is taken
 * up behind the last event that came: the appliance keeps them all.
 */
export async function followRun(runId: string, each: (event: RunEvent) => void, signal: AbortSignal): Promise<void> {
  let lastId: string | null = null;
  let tries = 0;
  for (;;) {
    let ended = false;
    try {
      const response = await open(runId, lastId, signal);
      await readEvents(response, ({ name, data, id }) => {
        tries = 0;
        lastId = id ?? lastId;
        if (name === "heartbeat") return;
        ended ||= name === "run.ended";
        each({ name, data: JSON.parse(data) as RunEvent["data"] });
      });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiProblem && !waits(error)) throw error;
      if (!(error instanceof ApiProblem)) noteUnreachable();
    }
    if (ended || signal.aborted) return;
    await pause(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]!, signal);
    tries += 1;
  }
}

/** Too many readers or requests at once: it passes. */
const waits = (problem: ApiProblem): boolean => [429, 503].includes(problem.document.status);

async function open(runId: string, lastId: string | null, signal: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = lastId ? { "Last-Event-ID": lastId } : {};
  const response = await fetch(`/api/v1/workflows/runs/${runId}/events`, { headers, signal });
  noteReachable();
  if (response.ok) return response;
  const document: unknown = await response.json().catch(() => null);
  const problem = problemOf(response.status, document, response.headers.get("retry-after"));
  tellSession(problem);
  throw problem;
}

/** Ends early, and well, when nobody waits any more. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
