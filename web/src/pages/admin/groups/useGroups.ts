import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take, takeWithStepUp } from "@/api/client";
import type { components } from "@/api/schema";

type GroupCreateRequest = components["schemas"]["GroupCreateRequest"];
type GroupPatch = components["schemas"]["GroupPatch"];
type GroupMember = components["schemas"]["GroupMember"];

const PAGE = 200;
const LIST = ["groups", "list"];
const membersKey = (id: string) => ["groups", "members", id];

export const useGroups = () =>
  useQuery({ queryKey: LIST, queryFn: ({ signal }) => take(api.GET("/api/v1/admin/groups", { signal })) });

async function readMembers(group_id: string, signal: AbortSignal): Promise<GroupMember[]> {
  const members: GroupMember[] = [];
  let cursor: string | undefined;
  do {
    const params = { path: { group_id }, query: { cursor, limit: PAGE } };
    const page = await take(api.GET("/api/v1/admin/groups/{group_id}/members", { params, signal }));
    members.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  return members;
}

export const useMembers = (id: string) =>
  useQuery({ queryKey: membersKey(id), queryFn: ({ signal }) => readMembers(id, signal) });

const at = (group_id: string) => ({ params: { path: { group_id } } });

export function useGroupChanges() {
  const client = useQueryClient();
  const onSuccess = () => client.invalidateQueries({ queryKey: ["groups"] });
  const member = (group_id: string, user_id: string) => ({ params: { path: { group_id, user_id } } });
  return {
    create: useMutation({
      mutationFn: (body: GroupCreateRequest) => takeWithStepUp(() => api.POST("/api/v1/admin/groups", { body })),
      onSuccess,
    }),
    change: useMutation({
      mutationFn: ({ id, body }: { id: string; body: GroupPatch }) =>
        takeWithStepUp(() => api.PATCH("/api/v1/admin/groups/{group_id}", { ...at(id), body })),
      onSuccess,
    }),
    remove: useMutation({
      mutationFn: (id: string) => takeWithStepUp(() => api.DELETE("/api/v1/admin/groups/{group_id}", at(id))),
      onSuccess: (_, id) => {
        client.removeQueries({ queryKey: membersKey(id) });
        return client.invalidateQueries({ queryKey: LIST });
      },
    }),
    putIn: useMutation({
      mutationFn: ({ id, user }: { id: string; user: string }) =>
        takeWithStepUp(() => api.PUT("/api/v1/admin/groups/{group_id}/members/{user_id}", member(id, user))),
      onSuccess,
    }),
    takeOut: useMutation({
      mutationFn: ({ id, user }: { id: string; user: string }) =>
        takeWithStepUp(() => api.DELETE("/api/v1/admin/groups/{group_id}/members/{user_id}", member(id, user))),
      onSuccess,
    }),
  };
}

export type GroupChanges = ReturnType<typeof useGroupChanges>;
