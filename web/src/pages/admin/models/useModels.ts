import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take, takeWithStepUp } from "@/api/client";
import type { components } from "@/api/schema";
import { isBeingTried, type Role } from "./tiers";

export type LanguageModel = components["schemas"]["LanguageModel"];
export type UpstreamModel = components["schemas"]["UpstreamModel"];

export const MODELS = ["models"];
/** How often it is asked how a trial stands. */
const POLL_MS = 2000;
/** How often it is looked whether other machines answer; the appliance asks those that do not twice a minute. */
const UPSTREAM_POLL_MS = 10_000;

/** The language models of the appliance, for those who administer it. */
export const useModels = () =>
  useQuery({
    queryKey: MODELS,
    queryFn: ({ signal }) => take(api.GET("/api/v1/models", { signal })),
    refetchInterval: (query) => (query.state.data?.items.some(isBeingTried) ? POLL_MS : false),
  });

/** The models on other machines, which are members of tiers as the configuration says. */
export const useUpstreams = () =>
  useQuery({
    queryKey: ["upstreams"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/upstreams", { signal })),
    refetchInterval: (query) => (query.state.data?.items.length ? UPSTREAM_POLL_MS : false),
  });

const at = (model: string) => ({ params: { path: { model } } });

/** What is done with one model; results stay with the row that asked. */
export function useModelChanges() {
  const client = useQueryClient();
  const onSuccess = () => client.invalidateQueries({ queryKey: MODELS });
  return {
    measure: useMutation({
      mutationFn: (hash: string) => takeWithStepUp(() => api.POST("/api/v1/models/{model}/trial", at(hash))),
      onSuccess,
    }),
    verify: useMutation({
      mutationFn: (hash: string) => takeWithStepUp(() => api.POST("/api/v1/models/{model}/verify", at(hash))),
    }),
    remove: useMutation({
      mutationFn: (hash: string) => takeWithStepUp(() => api.DELETE("/api/v1/models/{model}", at(hash))),
      onSuccess,
    }),
  };
}

/** Lets a model take a role, or none. */
export function useAssign(role: Role) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (hash: string | null) => {
      const body = { models: hash === null ? [] : [hash] };
      return takeWithStepUp(() => api.PUT("/api/v1/models/tiers/{tier}", { params: { path: { tier: role } }, body }));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: MODELS }),
  });
}
