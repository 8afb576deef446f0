import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { QueryOf } from "@/api/types";
import { verifyEntry } from "./verify";

type FilterName = Exclude<keyof QueryOf<"audit_query">, "cursor" | "limit">;

export type AuditFilters = Partial<Record<FilterName, string>>;

const PAGE = 50;

export const useAuditEntries = (filters: AuditFilters) =>
  useInfiniteQuery({
    queryKey: ["audit", filters],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/admin/audit", { params: { query: { ...filters, cursor: pageParam, limit: PAGE } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** An entry with its proof, against the newest signed head; checked here. */
export const useEntryProof = (entry_index: number) =>
  useQuery({
    queryKey: ["audit", "proof", entry_index],
    queryFn: async ({ signal }) => {
      const head = await take(api.GET("/api/v1/admin/audit/checkpoint", { signal }));
      const proof = await take(
        api.GET("/api/v1/admin/audit/entries/{entry_index}/proof", {
          params: { path: { entry_index }, query: { tree_size: head.size } },
          signal,
        }),
      );
      return { head, proof, verdict: await verifyEntry(proof, head) };
    },
    staleTime: 0,
    gcTime: 0,
  });

/** The appliance reads its whole log and checks it against its checkpoint. */
export const useVerifyLog = () =>
  useMutation({ mutationFn: () => take(api.GET("/api/v1/admin/audit/verify")) });
