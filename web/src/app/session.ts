import { queryOptions, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { hasCode } from "@/api/problem";
import type { Me } from "@/api/types";
import { forgetDrafts } from "@/app/drafts";
import { finishLeaving, kioskNow, leaveKiosk } from "@/app/kiosk";
import { tellLeaving } from "@/app/leaving";
import { listKey, PAGE } from "@/pages/ask/conversations/useConversations";
import { forgetUploads } from "@/pages/documents/uploads";

/** What a person has to do before anything else. */
export type Gate = "signIn" | "secondFactor" | "password" | "enrol" | "open";

export interface SessionState {
  gate: Gate;
  me: Me | null;
  /** Set when somebody was signed in and no longer is, without having left. */
  ended?: boolean;
}

const KEY = ["session"];

/** Asks who is signed in, and what is left to do for them. */
async function look(client: QueryClient): Promise<SessionState> {
  await finishLeaving();
  try {
    const me = await take(api.GET("/api/v1/auth/me"));
    if (me.must_change_password) return { gate: "password", me };
    return { gate: await enrolment(client), me };
  } catch (error) {
    if (hasCode(error, "second_factor_required")) return { gate: "secondFactor", me: null };
    if (hasCode(error, "unauthenticated", "tenant_suspended")) return { gate: "signIn", me: null };
    throw error;
  }
}

/**
 * Only the routes behind the gate know whether the role needs a second factor. The one that is
 * asked is the one whose answer is shown first.
 */
async function enrolment(client: QueryClient): Promise<Gate> {
  try {
    const page = await take(api.GET("/api/v1/conversations", { params: { query: { limit: PAGE } } }));
    client.setQueryData(listKey, { pages: [page], pageParams: [undefined] });
    return "open";
  } catch (error) {
    if (hasCode(error, "second_factor_enrolment_required")) return "enrol";
    throw error;
  }
}

export const sessionOptions = queryOptions({
  queryKey: KEY,
  queryFn: ({ client }) => look(client),
  staleTime: Number.POSITIVE_INFINITY,
  gcTime: Number.POSITIVE_INFINITY,
});

export const useSession = () => useQuery(sessionOptions);

/** The person who is signed in; only below the gate. */
export function useMe(): Me {
  const me = useQuery(sessionOptions).data?.me;
  if (!me) throw new Error("nobody is signed in");
  return me;
}

/** Whether the person's role has a permission. */
export function useMay(): (permission: string) => boolean {
  const { permissions } = useMe();
  return (permission) => permissions.includes(permission);
}

/** Looks again who is signed in. */
export function useRefreshSession(): () => Promise<void> {
  const client = useQueryClient();
  return () => client.refetchQueries({ queryKey: KEY });
}

/** Drops what belongs to the person who was signed in; the page stays where it is. */
export function sessionEnded(client: QueryClient): void {
  const before = client.getQueryData<SessionState>(KEY);
  if (!before || before.gate === "signIn") return;
  // The next person must not land where this one was.
  if (kioskNow()) return void leaveKiosk();
  client.setQueryData<SessionState>(KEY, { gate: "signIn", me: null, ended: before.me !== null });
  dropContent(client);
}

/** Signs out and leaves nothing behind. */
export async function signOut(client: QueryClient): Promise<void> {
  forgetUploads();
  tellLeaving();
  if (kioskNow()) return leaveKiosk();
  await api.POST("/api/v1/auth/logout").catch(() => null);
  forgetDrafts();
  client.setQueryData<SessionState>(KEY, { gate: "signIn", me: null });
  dropContent(client);
}

function dropContent(client: QueryClient): void {
  client.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] });
}
