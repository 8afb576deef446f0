import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take, takeWithStepUp } from "@/api/client";

const key = (user_id: string) => ["users-places", user_id];

/** Where somebody is signed in. */
export const usePlaces = (user_id: string) =>
  useQuery({
    queryKey: key(user_id),
    queryFn: ({ signal }) => take(api.GET("/api/v1/admin/users/{user_id}/sessions", { params: { path: { user_id } }, signal })),
  });

export type Place = { kind: "session" | "token" | "family"; id: string };

/** Ends one of them. */
export function useEndPlace(user_id: string) {
  const client = useQueryClient();
  const end = ({ kind, id }: Place) => {
    if (kind === "session") {
      const params = { path: { user_id, session_id: id } };
      return takeWithStepUp(() => api.DELETE("/api/v1/admin/users/{user_id}/sessions/{session_id}", { params }));
    }
    if (kind === "token") {
      const params = { path: { user_id, token_id: id } };
      return takeWithStepUp(() => api.DELETE("/api/v1/admin/users/{user_id}/tokens/{token_id}", { params }));
    }
    const params = { path: { user_id, family_id: id } };
    return takeWithStepUp(() => api.DELETE("/api/v1/admin/users/{user_id}/token-families/{family_id}", { params }));
  };
  return useMutation({
    mutationFn: end,
    onSuccess: () => client.invalidateQueries({ queryKey: key(user_id) }),
  });
}
