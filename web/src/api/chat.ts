import { noteReachable, noteUnreachable } from "./connection";
import { readEvents, type StreamEvent } from "./events";
import { tellSession } from "./client";
import { ApiProblem, Unreachable, problemOf } from "./problem";
import type { Answer, Citation } from "./types";

/** How often a stream that broke off is taken up again, and how long to wait before each try. */
const RESUME_DELAYS_MS = [200, 500, 1000, 1500, 2000];

export interface Question {
  message: string;
  conversation_id?: string;
}

export interface AnswerListener {
  stage(stage: string): void;
  citation(citation: Citation): void;
  token(text: string): void;
}

/**
 * Asks, and reports the answer as it comes. A connection that breaks is taken up where it was;
 * resolves with the whole answer.
 */
export async function ask(question: Question, listener: AnswerListener, signal: AbortSignal): Promise<Answer> {
  let lastId: string | null = null;
  let failure: unknown = null;
  for (const delay of [0, ...RESUME_DELAYS_MS]) {
    if (delay) await pause(delay, signal);
    let answer: Answer | null = null;
    try {
      const response = await open(question, lastId, signal);
      await readEvents(response, (event) => {
        lastId = event.id ?? lastId;
        answer = take(event, listener) ?? answer;
      });
      if (answer) return answer;
      failure = new Unreachable("the stream ended early");
    } catch (error) {
      if (signal.aborted || error instanceof ApiProblem) throw error;
      noteUnreachable();
      failure = error;
      // Nothing has come yet: asking again might ask twice.
      if (!lastId) break;
    }
  }
  throw failure instanceof Unreachable ? failure : new Unreachable(failure);
}

async function open(question: Question, lastId: string | null, signal: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (lastId) headers["Last-Event-ID"] = lastId;
  const body = JSON.stringify({ ...question, stream: true });
  const response = await fetch("/api/v1/chat", { method: "POST", headers, body, signal });
  noteReachable();
  if (response.ok) return response;
  const document: unknown = await response.json().catch(() => null);
  const problem = problemOf(response.status, document, response.headers.get("retry-after"));
  tellSession(problem);
  throw problem;
}

/** Reports one event; returns the answer if it is the last. */
function take(event: StreamEvent, listener: AnswerListener): Answer | null {
  const data = JSON.parse(event.data) as unknown;
  if (event.name === "status") listener.stage((data as { stage: string }).stage);
  else if (event.name === "token") listener.token((data as { text: string }).text);
  else if (event.name === "citation") listener.citation(data as Citation);
  else if (event.name === "done") return data as Answer;
  else if (event.name === "error") {
    const { code, message } = data as { code: string; message: string };
    throw new ApiProblem({ type: `/problems/${code}`, code, title: message, detail: "", status: 500 });
  }
  return null;
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
