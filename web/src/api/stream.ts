// Work that is told as an event stream, taken up again where its connection broke.
import { tellSession } from "./client";
import { noteReachable, noteUnreachable } from "./connection";
import { readEvents } from "./events";
import { ApiProblem, Unreachable, problemOf } from "./problem";

/** How often a stream that broke off is taken up again, and how long to wait before each try. */
const RESUME_DELAYS_MS = [200, 500, 1000, 1500, 2000];

/** Something that happens in a step of a run, as the stream names it: `step.*` or `verdict`. */
export interface StepEvent {
  name: string;
  data: unknown;
}

/** Whether an event is about a step. */
export const isOfStep = (name: string): boolean => name.startsWith("step.") || name === "verdict";

/**
 * Begins work by a POST of `body` and passes each of its events on, but for its end: resolves with
 * what `done` holds, and throws what `error` says.
 */
export async function follow<T>(
  path: string,
  body: object,
  event: (name: string, data: unknown) => void,
  signal: AbortSignal,
): Promise<T> {
  let lastId: string | null = null;
  let failure: unknown = null;
  for (const delay of [0, ...RESUME_DELAYS_MS]) {
    if (delay) await pause(delay, signal);
    const end: { done?: T } = {};
    try {
      const response = await open(path, body, lastId, signal);
      await readEvents(response, (one) => {
        lastId = one.id ?? lastId;
        const data = JSON.parse(one.data) as unknown;
        if (one.name === "done") end.done = data as T;
        else if (one.name === "error") throw problemIn(data);
        else event(one.name, data);
      });
      if (end.done !== undefined) return end.done;
      failure = new Unreachable("the stream ended early");
    } catch (error) {
      if (signal.aborted || error instanceof ApiProblem) throw error;
      noteUnreachable();
      failure = error;
      // Nothing has come yet: beginning again might do the work twice.
      if (!lastId) break;
    }
  }
  throw failure instanceof Unreachable ? failure : new Unreachable(failure);
}

async function open(path: string, body: object, lastId: string | null, signal: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (lastId) headers["Last-Event-ID"] = lastId;
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify({ ...body, stream: true }), signal });
  noteReachable();
  if (response.ok) return response;
  const document: unknown = await response.json().catch(() => null);
  const problem = problemOf(response.status, document, response.headers.get("retry-after"));
  tellSession(problem);
  throw problem;
}

function problemIn(data: unknown): ApiProblem {
  const { code, message } = data as { code: string; message: string };
  return new ApiProblem({ type: `/problems/${code}`, code, title: message, detail: "", status: 500 });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}
