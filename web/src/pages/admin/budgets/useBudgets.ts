import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take, takeWithStepUp } from "@/api/client";
import type { components } from "@/api/schema";

export type BudgetLimits = components["schemas"]["BudgetLimits"];
export type BudgetUsed = components["schemas"]["BudgetUsed"];
export type TokenUsageRow = components["schemas"]["TokenUsageRow"];
export type UsageGroup = "day" | "person" | "model";

const BUDGETS = ["budgets"];
/** What is being written changes what is reserved. */
const REFRESH_MS = 10_000;

export const useBudgets = () =>
  useQuery({
    queryKey: BUDGETS,
    queryFn: ({ signal }) => take(api.GET("/api/v1/admin/budgets", { signal })),
    refetchInterval: REFRESH_MS,
  });

export function useSetBudgets() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: BudgetLimits) => takeWithStepUp(() => api.PUT("/api/v1/admin/budgets", { body })),
    onSuccess: (changed) => client.setQueryData(BUDGETS, changed),
  });
}

export const useTokenUsage = (group: UsageGroup, days: number) =>
  useQuery({
    queryKey: ["usage", "tokens", group, days],
    queryFn: ({ signal }) => take(api.GET("/api/v1/admin/usage/tokens", { params: { query: { group, days } }, signal })),
    placeholderData: (before) => before,
  });

/** What is used of one's own budgets. */
export const useOwnBudget = () =>
  useQuery({ queryKey: ["own-budget"], queryFn: ({ signal }) => take(api.GET("/api/v1/auth/budget", { signal })) });
