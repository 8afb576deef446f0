import { infiniteQueryOptions, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";

/** Conversations that are read at once. */
export const PAGE = 40;

export const listKey = ["conversations", "list"];

const listOptions = infiniteQueryOptions({
  queryKey: listKey,
  initialPageParam: undefined as string | undefined,
  queryFn: ({ pageParam, signal }) =>
    take(api.GET("/api/v1/conversations", { params: { query: { cursor: pageParam, limit: PAGE } }, signal })),
  getNextPageParam: (page) => page.next_cursor ?? undefined,
});

export const useConversations = () => useInfiniteQuery(listOptions);

/** Conversations in which words occur; asks nothing while there are none. */
export const useFoundConversations = (words: string) =>
  useQuery({
    queryKey: ["conversations", "search", words],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/conversations/search", { params: { query: { q: words, limit: PAGE } }, signal })),
    enabled: words.length > 1,
    placeholderData: (before) => before,
  });

const path = (conversation_id: string) => ({ params: { path: { conversation_id } } });

export function useConversationChanges() {
  const client = useQueryClient();
  const again = () => client.invalidateQueries({ queryKey: ["conversations"] });
  const rename = useMutation({
    mutationFn: ({ id, title }: { id: string; title: string }) =>
      take(api.PATCH("/api/v1/conversations/{conversation_id}", { ...path(id), body: { title } })),
    onSuccess: again,
  });
  const pin = useMutation({
    mutationFn: ({ id, pinned }: { id: string; pinned: boolean }) =>
      take(api.PATCH("/api/v1/conversations/{conversation_id}", { ...path(id), body: { pinned } })),
    onSuccess: again,
  });
  const remove = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/conversations/{conversation_id}", path(id))),
    onSuccess: again,
  });
  return { rename, pin, remove };
}
