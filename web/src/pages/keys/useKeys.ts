import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take, takeWithStepUp } from "@/api/client";
import type { components } from "@/api/schema";

type KeyCreateRequest = components["schemas"]["KeyCreateRequest"];

const OWN = ["keys"];
const ALL = ["keys-of-all"];

const at = (key_id: string) => ({ params: { path: { key_id } } });

export const useKeys = () =>
  useQuery({ queryKey: OWN, queryFn: ({ signal }) => take(api.GET("/api/v1/keys", { signal })) });

/** The keys of one person of the tenant. */
export const useKeysOf = (user_id: string) =>
  useQuery({
    queryKey: [...ALL, user_id],
    queryFn: ({ signal }) => take(api.GET("/api/v1/admin/users/{user_id}/keys", { params: { path: { user_id } }, signal })),
  });

/** The keys of everybody in the tenant. */
export const useAllKeys = () =>
  useQuery({ queryKey: ALL, queryFn: ({ signal }) => take(api.GET("/api/v1/admin/keys", { signal })) });

export function useKeyChanges() {
  const client = useQueryClient();
  const onSuccess = () =>
    Promise.all([OWN, ALL].map((queryKey) => client.invalidateQueries({ queryKey })));
  return {
    create: useMutation({
      mutationFn: (body: KeyCreateRequest) => takeWithStepUp(() => api.POST("/api/v1/keys", { body })),
      onSuccess,
    }),
    rotate: useMutation({
      mutationFn: ({ id, overlap_s }: { id: string; overlap_s: number }) =>
        takeWithStepUp(() => api.POST("/api/v1/keys/{key_id}/rotate", { ...at(id), body: { overlap_s } })),
      onSuccess,
    }),
    revoke: useMutation({
      mutationFn: (id: string) => takeWithStepUp(() => api.DELETE("/api/v1/keys/{key_id}", at(id))),
      onSuccess,
    }),
    /** Somebody else's. */
    revokeOf: useMutation({
      mutationFn: ({ id, user_id }: { id: string; user_id: string }) =>
        takeWithStepUp(() =>
          api.DELETE("/api/v1/admin/users/{user_id}/keys/{key_id}", { params: { path: { user_id, key_id: id } } }),
        ),
      onSuccess,
    }),
  };
}
