import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { Conversation, Message } from "@/api/types";

/** The most that the appliance gives at once. */
const PAGE = 200;

export interface Thread {
  conversation: Conversation | null;
  messages: Message[];
}

async function readThread(conversation_id: string, signal: AbortSignal): Promise<Thread> {
  const messages: Message[] = [];
  let conversation: Conversation | null = null;
  let cursor: string | undefined;
  do {
    const page = await take(
      api.GET("/api/v1/conversations/{conversation_id}", {
        params: { path: { conversation_id }, query: { cursor, limit: PAGE } },
        signal,
      }),
    );
    conversation = page.conversation;
    messages.push(...page.messages);
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  return { conversation, messages };
}

export const threadOptions = (id: string) =>
  queryOptions({
    queryKey: ["conversations", "thread", id],
    queryFn: ({ signal }) => readThread(id, signal),
  });

/** A conversation with all its messages; nothing for one that has not begun. */
export const useThread = (id: string | undefined) =>
  useQuery({ ...threadOptions(id ?? ""), enabled: id !== undefined });
