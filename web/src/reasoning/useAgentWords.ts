import type { Agent } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";

/** Title and purpose of an agent: the reader's language where they are as they come, the tenant's words otherwise. */
export function useAgentWords(): (agent: Agent) => { title: string; purpose: string } {
  const { t, i18n } = useTranslation();
  const say = t as (key: string) => string;
  return (agent) => {
    const words = (field: "title" | "purpose") => {
      const key = `specialist_words.${agent.name}.${field}`;
      return !agent.changed.includes(field) && i18n.exists(key) ? say(key) : agent[field];
    };
    return { title: words("title"), purpose: words("purpose") };
  };
}

/** What the agent of a name is called; one that is not among `agents` as it comes, or by its name. */
export function useAgentTitle(agents: readonly Agent[]): (name: string) => string {
  const { t, i18n } = useTranslation();
  const say = t as (key: string) => string;
  const words = useAgentWords();
  return (name) => {
    const agent = agents.find((one) => one.name === name);
    if (agent) return words(agent).title;
    const key = `specialist_words.${name}.title`;
    return i18n.exists(key) ? say(key) : name;
  };
}
