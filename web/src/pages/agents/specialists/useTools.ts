import { useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { AgentTool } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";

/** They come with the appliance, and change when it is updated. */
const STALE_MS = 300_000;

const EFFECTS = ["none", "read", "propose", "write"] as const;

/** The tools that agents may reach for. */
export const useTools = () =>
  useQuery({
    queryKey: ["tools"],
    queryFn: async ({ signal }) => (await take(api.GET("/api/v1/tools", { signal }))).items,
    staleTime: STALE_MS,
  });

export interface ToolAbout {
  /** What it does: the reader's language where a catalogue knows the tool, the appliance's words otherwise. */
  description: string;
  /** What that does to the world. */
  effect: string;
}

/** What there is to say about a tool; nothing of one that the appliance does not list, or not yet. */
export function useToolAbout(): (name: string) => ToolAbout | null {
  const { t, i18n } = useTranslation();
  const say = t as (key: string) => string;
  const tools = useTools().data;
  const about = ({ name, description, side_effect }: AgentTool): ToolAbout => {
    const effect = EFFECTS.find((one) => one === side_effect);
    return {
      description: i18n.exists(`tool_hint.${name}`) ? say(`tool_hint.${name}`) : description,
      effect: effect ? t(`tool_effect.${effect}`) : side_effect,
    };
  };
  return (name) => {
    const tool = tools?.find((one) => one.name === name);
    return tool ? about(tool) : null;
  };
}
