import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { components } from "@/api/schema";

type DocumentPatch = components["schemas"]["DocumentPatch"];

const POLL_MS = 3000;

export const useDocument = (document_id: string) =>
  useQuery({
    queryKey: ["documents", "one", document_id],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/documents/{document_id}", { params: { path: { document_id } }, signal })),
    refetchInterval: (query) =>
      query.state.data?.revisions.some(({ state }) => state === "queued" || state === "processing") ? POLL_MS : false,
  });

/** Who was shown something of the document, newest first. */
export const useDisclosures = (document_id: string, enabled: boolean) =>
  useQuery({
    queryKey: ["documents", "disclosures", document_id],
    queryFn: ({ signal }) =>
      take(
        api.GET("/api/v1/documents/{document_id}/disclosures", {
          params: { path: { document_id }, query: { limit: 50 } },
          signal,
        }),
      ),
    enabled,
  });

/** Answers that quoted a revision, newest first. */
export const useCitingAnswers = (document_id: string, revision_id: string) =>
  useQuery({
    queryKey: ["documents", "citing", document_id, revision_id],
    queryFn: ({ signal }) =>
      take(
        api.GET("/api/v1/documents/{document_id}/revisions/{revision_id}/citations", {
          params: { path: { document_id, revision_id }, query: { limit: 50 } },
          signal,
        }),
      ),
  });

export function useDocumentChanges(document_id: string) {
  const client = useQueryClient();
  const again = async () => {
    await client.invalidateQueries({ queryKey: ["documents"] });
    await client.invalidateQueries({ queryKey: ["revision", document_id] });
  };
  const path = { document_id };
  return {
    remove: useMutation({
      mutationFn: () => take(api.DELETE("/api/v1/documents/{document_id}", { params: { path } })),
      onSuccess: () => {
        client.removeQueries({ queryKey: ["documents", "one", document_id] });
        return client.invalidateQueries({ queryKey: ["documents", "list"] });
      },
    }),
    reindex: useMutation({
      mutationFn: () => take(api.POST("/api/v1/documents/{document_id}/reindex", { params: { path } })),
      onSuccess: again,
    }),
    change: useMutation({
      mutationFn: (body: DocumentPatch) => take(api.PATCH("/api/v1/documents/{document_id}", { params: { path }, body })),
      onSuccess: again,
    }),
    supersede: useMutation({
      mutationFn: (revision_id: string) =>
        take(
          api.POST("/api/v1/documents/{document_id}/revisions/{revision_id}/supersede", {
            params: { path: { document_id, revision_id } },
          }),
        ),
      onSuccess: again,
    }),
    withdraw: useMutation({
      mutationFn: ({ revision_id, reason }: { revision_id: string; reason: string }) =>
        take(
          api.POST("/api/v1/documents/{document_id}/revisions/{revision_id}/withdraw", {
            params: { path: { document_id, revision_id } },
            body: { reason: reason || null },
          }),
        ),
      onSuccess: again,
    }),
  };
}
