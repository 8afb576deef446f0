import { useAgentsThere } from "./useAgents";
import { useAgentTitle } from "./useAgentWords";

/** What the agent of a name is called in the tenant. */
export function AgentTitle({ name }: { name: string }) {
  return useAgentTitle(useAgentsThere())(name);
}
