import createClient from "openapi-fetch";
import { noteReachable, noteUnreachable } from "./connection";
import { ApiProblem, Unreachable, hasCode, problemOf } from "./problem";
import type { paths } from "./schema";
import { stepUp } from "./stepUp";

type Listener = (problem: ApiProblem) => void;
const listeners = new Set<Listener>();

/** Calls `listener` for every problem that says something about the session itself. */
export function onSessionProblem(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const SESSION_CODES = [
  "unauthenticated",
  "password_change_required",
  "second_factor_required",
  "second_factor_enrolment_required",
];

/** Passes a problem on to whoever watches over the session. */
export function tellSession(problem: ApiProblem): void {
  if (SESSION_CODES.includes(problem.code)) for (const listener of listeners) listener(problem);
}

async function reached(input: Request): Promise<Response> {
  try {
    const response = await fetch(input);
    noteReachable();
    return response;
  } catch (error) {
    if (input.signal.aborted) throw error;
    noteUnreachable();
    throw new Unreachable(error);
  }
}

/** The API, typed by its OpenAPI document. Answers go through `take`. */
export const api = createClient<paths>({ fetch: reached });

interface Outcome<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The answer's body; throws `ApiProblem` when the appliance refused. */
export async function take<T>(pending: Promise<Outcome<T>>): Promise<T> {
  const { data, error, response } = await pending;
  if (!response.ok) {
    const problem = problemOf(response.status, error, response.headers.get("retry-after"));
    tellSession(problem);
    throw problem;
  }
  return data as T;
}

/** As `take`, and shows the second factor again when the appliance asks for that. */
export async function takeWithStepUp<T>(request: () => Promise<Outcome<T>>): Promise<T> {
  try {
    return await take(request());
  } catch (error) {
    if (!hasCode(error, "step_up_required")) throw error;
    if (!(await stepUp.ask())) throw error;
    return take(request());
  }
}
