import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";
import { ask } from "@/api/chat";
import { hasCode, Unreachable } from "@/api/problem";
import type { StepEvent } from "@/api/stream";
import type { Answer, Citation } from "@/api/types";
import { setDraft } from "@/app/drafts";
import { messagesOf } from "./turn";
import { threadOptions } from "./useThread";

/** An answer that is on its way, or how it ended without one. */
export interface Running {
  question: string;
  stage: string;
  text: string;
  citations: Citation[];
  /** What was said of the steps so far. */
  steps: StepEvent[];
  state: "running" | "stopped" | "failed";
  error: unknown;
}

const begun = (question: string): Running => ({
  question,
  stage: "resolving",
  text: "",
  citations: [],
  steps: [],
  state: "running",
  error: null,
});

/** Whether the answer may have been given all the same. */
const broken = (error: unknown): boolean => error instanceof Unreachable || hasCode(error, "stream_expired");

/** Asks in a conversation, or begins one; `agent` is who shall answer, where somebody is wished for. */
export function useAsk(conversationId: string | undefined, agent: string | undefined) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [running, setRunning] = useState<Running | null>(null);
  const control = useRef<AbortController | null>(null);
  /** The conversation that the run has just made: going there ends nothing. */
  const made = useRef<string | undefined>(undefined);

  useEffect(() => {
    const own = conversationId !== undefined && conversationId === made.current;
    made.current = undefined;
    if (own) return;
    control.current?.abort();
    setRunning(null);
  }, [conversationId]);
  useEffect(() => () => control.current?.abort(), []);

  const change = (of: AbortController, part: (before: Running) => Partial<Running>) =>
    setRunning((before) => (before && control.current === of ? { ...before, ...part(before) } : before));

  const keep = (question: string, answer: Answer) => {
    const { queryKey } = threadOptions(answer.conversation_id);
    const before = client.getQueryData(queryKey);
    // Of a thread that was not read yet the new messages alone would look like all.
    if (before || !conversationId) {
      const messages = before?.messages ?? [];
      client.setQueryData(queryKey, {
        conversation: before?.conversation ?? null,
        messages: [...messages, ...messagesOf(question, answer, messages.length + 1)],
      });
    }
    // The list shows it on top; the thread is told its title.
    void client.invalidateQueries({ queryKey: ["conversations", "list"] });
    if (!before) void client.invalidateQueries({ queryKey });
  };

  const send = async (question: string) => {
    const own = new AbortController();
    control.current?.abort();
    control.current = own;
    setRunning(begun(question));
    try {
      const answer = await ask(
        { message: question, conversation_id: conversationId, agent },
        {
          stage: (stage) => change(own, () => ({ stage })),
          token: (text) => change(own, (before) => ({ text: before.text + text })),
          citation: (citation) => change(own, (before) => ({ citations: [...before.citations, citation] })),
          step: (event) => change(own, (before) => ({ steps: [...before.steps, event] })),
        },
        own.signal,
      );
      if (control.current !== own) return;
      keep(question, answer);
      setRunning(null);
      if (!conversationId) {
        made.current = answer.conversation_id;
        await navigate({ to: "/ask/{-$conversationId}", params: { conversationId: answer.conversation_id }, replace: true });
      }
    } catch (error) {
      const stopped = own.signal.aborted;
      // Whoever signs in again finds their question where they wrote it.
      if (hasCode(error, "unauthenticated")) setDraft(conversationId ?? "new", question);
      change(own, () => (stopped ? { state: "stopped" } : { state: "failed", error }));
      // What was finished before the connection broke is in the conversation.
      if (!stopped && broken(error)) await client.invalidateQueries({ queryKey: ["conversations"] });
    }
  };

  // The same function for good, so that a token that arrives draws no finished turn anew.
  const latest = useRef(send);
  useEffect(() => {
    latest.current = send;
  });
  const sendLatest = useCallback((question: string) => void latest.current(question), []);

  return {
    running,
    send: sendLatest,
    stop: () => control.current?.abort(),
    dismiss: () => setRunning(null),
  };
}
