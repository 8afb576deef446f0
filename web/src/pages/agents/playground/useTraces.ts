import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { traceOptions } from "@/reasoning/useTrace";

const PAGE = 20;
export const TRACES = ["traces", "list"];

/** One's own runs, newest first, without their content. */
export const useTraces = () =>
  useInfiniteQuery({
    queryKey: TRACES,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/playground/traces", { params: { query: { cursor: pageParam, limit: PAGE } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** Two runs beside each other. */
export const useComparison = (left: string, right: string) =>
  useQuery({
    queryKey: ["traces", "comparison", left, right],
    queryFn: ({ signal }) => take(api.GET("/api/v1/playground/compare", { params: { query: { left, right } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Runs a trace once more; what came of it is a trace of its own. */
export function useReplay(trace_id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => take(api.POST("/api/v1/playground/traces/{trace_id}/replay", { params: { path: { trace_id } } })),
    onSuccess: ({ trace }) => {
      client.setQueryData(traceOptions(trace.id).queryKey, trace);
      return client.invalidateQueries({ queryKey: TRACES });
    },
  });
}

export function useDeleteTrace(trace_id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => take(api.DELETE("/api/v1/playground/traces/{trace_id}", { params: { path: { trace_id } } })),
    // The list is not shown now; when it is, it must not show what is gone.
    onSuccess: () => client.removeQueries({ queryKey: TRACES }),
  });
}
