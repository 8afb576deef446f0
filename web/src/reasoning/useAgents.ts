import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { Agent } from "@/api/types";
import { useMay } from "@/app/session";

export const AGENTS = ["agents"];

/** They change when an administrator changes one, and hardly ever. */
const STALE_MS = 300_000;

const NOBODY: Agent[] = [];

const agentsOptions = queryOptions({
  queryKey: AGENTS,
  queryFn: async ({ signal }) => (await take(api.GET("/api/v1/agents", { signal }))).items,
});

/** The agents as the tenant has them. */
export const useAgents = () => useQuery(agentsOptions);

/** The agents, for who may know of them and as soon as they are there; nobody otherwise. */
export function useAgentsThere(wanted = true): Agent[] {
  const may = useMay();
  return useQuery({ ...agentsOptions, staleTime: STALE_MS, enabled: wanted && may("agents.read") }).data ?? NOBODY;
}
