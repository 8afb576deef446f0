import type { ThinkRequest } from "@/api/types";

export const TOOLS = ["council", "red_team", "first_principles"] as const;
export type Tool = (typeof TOOLS)[number];

/** How many think in a tool, as the appliance holds it; nothing where it is always one. */
export const MEMBERS: Record<Tool, { least: number; usual: number; most: number } | null> = {
  council: { least: 3, usual: 5, most: 7 },
  red_team: { least: 1, usual: 8, most: 32 },
  first_principles: null,
};
export const ROUNDS = { least: 0, usual: 1, most: 3 };
export const BUDGET_MOST = 2_000_000;
export const QUESTION_MAX = 10_000;
export const DRAFT_MAX = 40_000;

/** What stands in the form, as it was typed. */
export interface Wish {
  question: string;
  draft: string;
  withDocuments: boolean;
  members: string;
  rounds: string;
  tier: string;
  budget: string;
  seed: string;
}

export const emptyWish = (question = "", draft = ""): Wish => ({
  question,
  draft,
  withDocuments: false,
  members: "",
  rounds: "",
  tier: "",
  budget: "",
  seed: "",
});

const number = (text: string): number | undefined => (text.trim() === "" ? undefined : Number(text));

/** The request for a wish; its budget is `estimate` where none was typed. */
export function requestOf(tool: Tool, wish: Wish, estimate?: number): ThinkRequest {
  return {
    tool,
    question: wish.question.trim(),
    draft: wish.draft.trim() || undefined,
    with_documents: wish.withDocuments,
    members: MEMBERS[tool] ? number(wish.members) : undefined,
    rounds: tool === "council" ? number(wish.rounds) : undefined,
    tier: wish.tier || undefined,
    budget_tokens: number(wish.budget) ?? estimate,
    seed: number(wish.seed),
  };
}
