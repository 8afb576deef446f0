import { api, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import type { ConversationDetails } from "@/api/types";

const PAGE = 200;
/** So many requests in a row are more than a minute's worth: the appliance says when to go on. */
const WAITS_MAX = 100;

export type Wait = (seconds: number) => Promise<void>;

const wait: Wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Makes a request, again and again as long as the appliance says that there were too many. */
export async function patiently<T>(request: () => Promise<T>, pause: Wait = wait): Promise<T> {
  for (let waits = 0; ; waits += 1) {
    try {
      return await request();
    } catch (error) {
      const again = error instanceof ApiProblem && error.document.status === 429 && waits < WAITS_MAX;
      if (!again) throw error;
      await pause((error.retryAfterS ?? 1) + 0.25);
    }
  }
}

interface Listing<T> {
  items: T[];
  next_cursor?: string | null;
}

async function all<T>(page: (cursor: string | undefined) => Promise<Listing<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const one = await patiently(() => page(cursor));
    items.push(...one.items);
    cursor = one.next_cursor ?? undefined;
  } while (cursor);
  return items;
}

async function thread(conversation_id: string): Promise<ConversationDetails["messages"]> {
  const messages: ConversationDetails["messages"] = [];
  let cursor: string | undefined;
  do {
    const params = { path: { conversation_id }, query: { cursor, limit: PAGE } };
    const page = await patiently(() => take(api.GET("/api/v1/conversations/{conversation_id}", { params })));
    messages.push(...page.messages);
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  return messages;
}

/** Everything that the appliance keeps about oneself and gives out, as one object. */
export async function ownData(onRead: (conversations: number) => void): Promise<object> {
  const profile = await patiently(() => take(api.GET("/api/v1/auth/me")));
  const listed = await all((cursor) => take(api.GET("/api/v1/conversations", { params: { query: { cursor, limit: PAGE } } })));
  const conversations: object[] = [];
  for (const conversation of listed) {
    conversations.push({ ...conversation, messages: await thread(conversation.id) });
    onRead(conversations.length);
  }
  const memories = await all((cursor) => take(api.GET("/api/v1/me/memories", { params: { query: { cursor, limit: PAGE } } })));
  const sessions = await patiently(() => take(api.GET("/api/v1/auth/sessions")));
  const tokens = await patiently(() => take(api.GET("/api/v1/auth/tokens")));
  const keys = await patiently(() => take(api.GET("/api/v1/keys")));
  return { profile, conversations, memories, sessions: sessions.items, tokens: tokens.items, keys: keys.items };
}
