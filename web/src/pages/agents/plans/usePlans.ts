import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { api, take } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type Plan = Schemas["Plan"];
export type PlanStatus = Schemas["PlanStatus"];
export type PlanTask = Schemas["PlanTask"];
export type PlanRequest = Schemas["PlanRequest"];

const PLANS = ["plans"];
const LIST = [...PLANS, "list"];
/** Each row asks for its goal on its own, and everybody has so many requests a minute. */
const PAGE = 10;
const POLL_MS = 6000;

export const usePlans = () =>
  useInfiniteQuery({
    queryKey: LIST,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/plans", { params: { query: { cursor: pageParam, limit: PAGE } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (query) => {
      const [first, ...more] = query.state.data?.pages ?? [];
      const going = first?.items.some(({ state }) => state === "running");
      return going && more.length === 0 ? POLL_MS : false;
    },
  });

const planKey = (id: string) => [...PLANS, "one", id];

/** A plan as it stands. */
export const usePlan = (plan_id: string) =>
  useQuery({
    queryKey: planKey(plan_id),
    queryFn: ({ signal }) => take(api.GET("/api/v1/plans/{plan_id}", { params: { path: { plan_id } }, signal })),
  });

/** What a plan is for: that never changes. */
export const useGoal = (plan_id: string) =>
  useQuery({
    queryKey: [...planKey(plan_id), "goal"],
    queryFn: async ({ signal }) => {
      const { goal } = await take(api.GET("/api/v1/plans/{plan_id}", { params: { path: { plan_id } }, signal }));
      return goal;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });

export function usePlanChanges() {
  const client = useQueryClient();
  const at = (plan_id: string) => ({ params: { path: { plan_id } } });
  const keep = (plan: Plan) => {
    client.setQueryData([...planKey(plan.id), "goal"], plan.goal);
    client.setQueryData(planKey(plan.id), plan);
    return client.invalidateQueries({ queryKey: LIST });
  };
  /** What was decided on is not what is there now: it has to be looked at again. */
  const lookAgain = (_error: unknown, { id }: { id: string }) => client.invalidateQueries({ queryKey: planKey(id), exact: true });
  return {
    create: useMutation({
      mutationFn: (body: PlanRequest) => take(api.POST("/api/v1/plans", { body })),
      onSuccess: keep,
    }),
    /** The digest is that of the plan that was shown. */
    approve: useMutation({
      mutationFn: ({ id, digest }: { id: string; digest: string }) =>
        take(api.POST("/api/v1/plans/{plan_id}/approve", { ...at(id), body: { digest } })),
      onSuccess: keep,
      onError: lookAgain,
    }),
    reject: useMutation({
      mutationFn: ({ id, reason }: { id: string; reason: string }) =>
        take(api.POST("/api/v1/plans/{plan_id}/reject", { ...at(id), body: { reason: reason.trim() || null } })),
      onSuccess: keep,
      onError: lookAgain,
    }),
  };
}

/** Reads a plan again whose run has ended: it is done, has failed, or was made anew. */
export function useReadPlan(): (id: string) => void {
  const client = useQueryClient();
  return useCallback(
    (id) => {
      void client.invalidateQueries({ queryKey: planKey(id), exact: true });
      void client.invalidateQueries({ queryKey: LIST });
    },
    [client],
  );
}
