import type { BudgetLimits } from "./useBudgets";

export const LIMITS = ["tenant_day", "tenant_month", "person_day", "person_month"] as const;
export type LimitName = (typeof LIMITS)[number];

export const OVERFLOWS = ["refuse", "downgrade", "queue"] as const;

/** More than this the appliance does not take. */
export const MOST_TOKENS = 1_000_000_000_000;

export type LimitFaults = Partial<Record<LimitName, "whole" | "most">>;

/** What stands in the form; nothing in a field is no limit. */
export function limitsOf(data: FormData): { limits: BudgetLimits; faults: LimitFaults } {
  const faults: LimitFaults = {};
  const tokens = (name: LimitName): number => {
    const text = String(data.get(name) ?? "").replace(/[\s.,'’]/g, "");
    if (text === "") return 0;
    if (!/^\d+$/.test(text)) faults[name] = "whole";
    else if (Number(text) > MOST_TOKENS) faults[name] = "most";
    return Number(text);
  };
  const [tenant_day, tenant_month, person_day, person_month] = LIMITS.map(tokens) as [number, number, number, number];
  return { limits: { tenant_day, tenant_month, person_day, person_month, overflow: String(data.get("overflow")) }, faults };
}

export interface Share {
  /** Parts of the limit, 0 to 1. */
  used: number;
  reserved: number;
  /** Nothing is left. */
  over: boolean;
}

/** How much of a limit is gone and how much set aside; null without a limit. */
export function shareOf(used: number, reserved: number, limit: number): Share | null {
  if (limit <= 0) return null;
  const gone = Math.min(1, used / limit);
  return { used: gone, reserved: Math.min(1 - gone, reserved / limit), over: used + reserved >= limit };
}
