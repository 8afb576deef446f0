import { useTranslation } from "@/i18n/useTranslation";

/** What a tool does; a tool that no catalogue knows is called by its name. */
export function useToolWords(): (tool: string) => string {
  const { t, i18n } = useTranslation();
  const say = t as (key: string) => string;
  return (tool) => (i18n.exists(`agent_tool.${tool}`) ? say(`agent_tool.${tool}`) : tool);
}
