import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type Workflow = Schemas["Workflow"];
export type Run = Schemas["WorkflowRun"];
export type RunDetails = Schemas["WorkflowRunDetails"];
export type Step = Schemas["WorkflowStep"];
export type Gate = Schemas["WorkflowGate"];
export type Fault = Schemas["WorkflowFault"];

const RUNS = ["workflows", "runs"];
const PAGE = 20;
/** While something of the first page goes on, its states are asked for again. */
const POLL_MS = 5000;
/** What the appliance comes with changes with its version alone. */
const STALE_MS = 600_000;

export const isOver = (state: string): boolean => ["done", "failed", "cancelled"].includes(state);

export const useWorkflows = () =>
  useQuery({
    queryKey: ["workflows", "known"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/workflows", { signal })),
    staleTime: STALE_MS,
  });

/** A workflow with its steps. */
export const useWorkflow = (workflow: string) =>
  useQuery({
    queryKey: ["workflows", "known", workflow],
    queryFn: ({ signal }) => take(api.GET("/api/v1/workflows/{workflow}", { params: { path: { workflow } }, signal })),
    staleTime: STALE_MS,
  });

export const useRuns = () =>
  useInfiniteQuery({
    queryKey: [...RUNS, "list"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/workflows/runs", { params: { query: { cursor: pageParam, limit: PAGE } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (query) => {
      const [first, ...more] = query.state.data?.pages ?? [];
      const going = first?.items.some(({ state }) => !isOver(state));
      return going && more.length === 0 ? POLL_MS : false;
    },
  });

export const runKey = (id: string) => [...RUNS, "one", id];

export const useRun = (run_id: string | null | undefined) =>
  useQuery({
    queryKey: runKey(run_id ?? ""),
    queryFn: ({ signal }) => take(api.GET("/api/v1/workflows/runs/{run_id}", { params: { path: { run_id: run_id! } }, signal })),
    enabled: Boolean(run_id),
  });

interface Start {
  workflow: string;
  input: unknown;
}

interface Decision {
  id: string;
  gate: Gate;
  approved: boolean;
  reason: string;
}

export function useRunChanges() {
  const client = useQueryClient();
  const onSettled = () => client.invalidateQueries({ queryKey: RUNS });
  const at = (run_id: string) => ({ params: { path: { run_id } } });
  return {
    start: useMutation({
      mutationFn: (body: Start) => take(api.POST("/api/v1/workflows/runs", { body })),
      onSettled,
    }),
    cancel: useMutation({
      mutationFn: (id: string) => take(api.POST("/api/v1/workflows/runs/{run_id}/cancel", at(id))),
      onSettled,
    }),
    /** The digest says what was shown, so nothing else can be decided by mistake. */
    decide: useMutation({
      mutationFn: ({ id, gate, approved, reason }: Decision) =>
        take(
          api.POST("/api/v1/workflows/runs/{run_id}/decide", {
            ...at(id),
            body: {
              step: gate.step,
              digest: gate.digest,
              decision: approved ? "approved" : "rejected",
              reason: reason.trim() || null,
            },
          }),
        ),
      onSettled,
    }),
  };
}
