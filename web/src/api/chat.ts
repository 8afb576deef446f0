import { follow, isOfStep, type StepEvent } from "./stream";
import type { Answer, Citation } from "./types";

export interface Question {
  message: string;
  conversation_id?: string;
  /** Who is to answer, a way of answering or an agent by its name; whom the tenant has set when absent. */
  agent?: string;
}

export interface AnswerListener {
  stage(stage: string): void;
  citation(citation: Citation): void;
  token(text: string): void;
  step(event: StepEvent): void;
}

/**
 * Asks, and reports the answer as it comes. A connection that breaks is taken up where it was;
 * resolves with the whole answer.
 */
export function ask(question: Question, listener: AnswerListener, signal: AbortSignal): Promise<Answer> {
  const take = (name: string, data: unknown) => {
    if (name === "status") listener.stage((data as { stage: string }).stage);
    else if (name === "token") listener.token((data as { text: string }).text);
    else if (name === "citation") listener.citation(data as Citation);
    else if (isOfStep(name)) listener.step({ name, data });
  };
  return follow<Answer>("/api/v1/chat", question, take, signal);
}
