import { useInfiniteQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { QueryOf } from "@/api/types";

type FilterName = Exclude<keyof QueryOf<"document_list">, "cursor" | "limit">;

export type DocumentFilters = Partial<Record<FilterName, string>>;

const PAGE = 200;
/** While documents are being read their state is asked for again. */
const POLL_MS = 5000;

export const useDocuments = (filters: DocumentFilters) =>
  useInfiniteQuery({
    queryKey: ["documents", "list", filters],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      take(
        api.GET("/api/v1/documents", { params: { query: { ...filters, cursor: pageParam, limit: PAGE } }, signal }),
      ),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (before) => before,
    refetchInterval: (query) => {
      const [first, ...more] = query.state.data?.pages ?? [];
      const reading = first?.items.some(({ current }) => ["queued", "processing"].includes(current.state));
      return reading && more.length === 0 ? POLL_MS : false;
    },
  });
