import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { AgentChange } from "@/api/types";
import { AGENTS } from "@/reasoning/useAgents";

/** Puts the tenant's change of an agent in the place of the former one; without one the agent is as it comes. */
export function useOverride(agent: string) {
  const client = useQueryClient();
  const params = { path: { agent } };
  return useMutation({
    mutationFn: (change: AgentChange | null) =>
      change
        ? take(api.PUT("/api/v1/agents/{agent}/override", { params, body: change }))
        : take(api.DELETE("/api/v1/agents/{agent}/override", { params })),
    onSuccess: () => client.invalidateQueries({ queryKey: AGENTS }),
  });
}
