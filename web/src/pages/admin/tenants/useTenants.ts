import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take, takeWithStepUp } from "@/api/client";

const KEY = ["tenants"];

/** All tenants of the appliance, for those who administer it. */
export const useTenants = () =>
  useQuery({ queryKey: KEY, queryFn: ({ signal }) => take(api.GET("/api/v1/appliance/tenants", { signal })) });

export function useTenantChanges() {
  const client = useQueryClient();
  const onSuccess = () => client.invalidateQueries({ queryKey: KEY });
  const at = (tenant_id: string) => ({ params: { path: { tenant_id } } });
  return {
    create: useMutation({
      mutationFn: (body: { slug: string; name: string }) => takeWithStepUp(() => api.POST("/api/v1/appliance/tenants", { body })),
      onSuccess,
    }),
    suspend: useMutation({
      mutationFn: (id: string) => takeWithStepUp(() => api.POST("/api/v1/appliance/tenants/{tenant_id}/suspend", at(id))),
      onSuccess,
    }),
    resume: useMutation({
      mutationFn: (id: string) => takeWithStepUp(() => api.POST("/api/v1/appliance/tenants/{tenant_id}/resume", at(id))),
      onSuccess,
    }),
  };
}
