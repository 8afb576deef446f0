import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, takeWithStepUp } from "@/api/client";
import type { components } from "@/api/schema";

type UserPatch = components["schemas"]["UserPatch"];
type UserCreateRequest = components["schemas"]["UserCreateRequest"];

export function useUserChanges() {
  const client = useQueryClient();
  const onSuccess = () => client.invalidateQueries({ queryKey: ["users"] });
  const at = (user_id: string) => ({ params: { path: { user_id } } });
  return {
    create: useMutation({
      mutationFn: (body: UserCreateRequest) => takeWithStepUp(() => api.POST("/api/v1/admin/users", { body })),
      onSuccess,
    }),
    change: useMutation({
      mutationFn: ({ id, body }: { id: string; body: UserPatch }) =>
        takeWithStepUp(() => api.PATCH("/api/v1/admin/users/{user_id}", { ...at(id), body })),
      onSuccess,
    }),
    resetPassword: useMutation({
      mutationFn: (id: string) =>
        takeWithStepUp(() => api.POST("/api/v1/admin/users/{user_id}/reset-password", at(id))),
      onSuccess,
    }),
    resetFactor: useMutation({
      mutationFn: (id: string) =>
        takeWithStepUp(() => api.POST("/api/v1/admin/users/{user_id}/reset-second-factor", at(id))),
    }),
    signOut: useMutation({
      mutationFn: (id: string) => takeWithStepUp(() => api.DELETE("/api/v1/admin/users/{user_id}/sessions", at(id))),
    }),
  };
}

export type UserChanges = ReturnType<typeof useUserChanges>;
