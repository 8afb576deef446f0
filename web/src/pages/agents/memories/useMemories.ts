import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type Memory = Schemas["Memory"];
export type MemoryPatch = Schemas["MemoryPatch"];
export type MemoryRequest = Schemas["MemoryRequest"];

export const KINDS = ["fact", "preference", "procedure", "episode"] as const;
export const IMPORTANCES = [1, 2, 3, 4, 5] as const;

const MEMORIES = ["memories"];
const CONSENT = ["memory-consent"];
const PAGE = 100;

export interface MemoryFilters {
  agent?: string;
  kind?: string;
  /** Words that are in it. */
  text?: string;
}

/** What all agents remember, or one of them. */
export const useMemories = ({ agent, kind, text }: MemoryFilters) =>
  useInfiniteQuery({
    queryKey: [...MEMORIES, agent ?? null, kind ?? null, text ?? null],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => {
      const query = { cursor: pageParam, limit: PAGE, kind, text };
      if (!agent) return take(api.GET("/api/v1/me/memories", { params: { query }, signal }));
      return take(api.GET("/api/v1/agents/{agent}/memories", { params: { path: { agent }, query }, signal }));
    },
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (before) => before,
  });

export const useConsent = () =>
  useQuery({ queryKey: CONSENT, queryFn: ({ signal }) => take(api.GET("/api/v1/me/memories/consent", { signal })) });

export function useMemoryChanges() {
  const client = useQueryClient();
  const onSuccess = () => client.invalidateQueries({ queryKey: MEMORIES });
  const at = ({ agent, id }: { agent: string; id: string }) => ({ params: { path: { agent, memory_id: id } } });
  return {
    consent: useMutation({
      mutationFn: (allowed: boolean) => take(api.PUT("/api/v1/me/memories/consent", { body: { allowed } })),
      onSuccess: (consent) => client.setQueryData(CONSENT, consent),
    }),
    add: useMutation({
      mutationFn: ({ agent, body }: { agent: string; body: MemoryRequest }) =>
        take(api.POST("/api/v1/agents/{agent}/memories", { params: { path: { agent } }, body })),
      onSuccess,
    }),
    change: useMutation({
      mutationFn: ({ memory, body }: { memory: Memory; body: MemoryPatch }) =>
        take(api.PATCH("/api/v1/agents/{agent}/memories/{memory_id}", { ...at(memory), body })),
      onSuccess,
    }),
    forget: useMutation({
      mutationFn: (memory: Memory) => take(api.DELETE("/api/v1/agents/{agent}/memories/{memory_id}", at(memory))),
      onSuccess,
    }),
    /** Everything, or everything of one agent. */
    forgetAll: useMutation({
      mutationFn: (agent: string | undefined) =>
        agent
          ? take(api.DELETE("/api/v1/agents/{agent}/memories", { params: { path: { agent } } }))
          : take(api.DELETE("/api/v1/me/memories")),
      onSuccess,
    }),
    compact: useMutation({
      mutationFn: () => take(api.POST("/api/v1/me/memories/compact")),
      onSuccess,
    }),
    export: useMutation({ mutationFn: () => take(api.GET("/api/v1/me/memories/export")) }),
  };
}
