import type { PlaygroundRequest } from "@/api/types";

export const STRATEGIES = ["direct", "chain_of_thought", "self_consistency", "tree_of_thought"] as const;

type Settings = NonNullable<PlaygroundRequest["settings"]>;

/** What somebody has set; what was left empty is chosen by the appliance, and told in the trace. */
export function settingsOf(data: FormData): Settings {
  const text = (name: string): string | undefined => String(data.get(name) ?? "").trim() || undefined;
  const number = (name: string): number | undefined => {
    // Decimal commas are written in two of our languages.
    const value = Number(text(name)?.replace(",", ".") ?? Number.NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  return {
    agent: text("agent"),
    strategy: text("strategy"),
    tier: text("tier"),
    temperature: number("temperature"),
    seed: number("seed"),
    budget_tokens: number("budget_tokens"),
  };
}
