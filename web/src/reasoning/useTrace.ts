import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";

export const traceOptions = (trace_id: string) =>
  queryOptions({
    queryKey: ["traces", trace_id],
    queryFn: ({ signal }) => take(api.GET("/api/v1/playground/traces/{trace_id}", { params: { path: { trace_id } }, signal })),
    // A trace never changes, and each look at one stands in the log.
    staleTime: Number.POSITIVE_INFINITY,
  });

/** A run of one's own, step by step. */
export const useTrace = (id: string) => useQuery(traceOptions(id));
