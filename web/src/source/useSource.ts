import { useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";

interface RevisionPath {
  document_id: string;
  revision_id: string;
}

/** The revision as it stands now. */
export const useRevision = (path: RevisionPath) =>
  useQuery({
    queryKey: ["revision", path.document_id, path.revision_id],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/documents/{document_id}/revisions/{revision_id}", { params: { path }, signal })),
  });

/** A page's text as it was read. */
export const usePageText = (path: RevisionPath, page: number, enabled = true) =>
  useQuery({
    queryKey: ["page", path.document_id, path.revision_id, page],
    queryFn: ({ signal }) =>
      take(
        api.GET("/api/v1/documents/{document_id}/revisions/{revision_id}/pages/{page}", {
          params: { path: { ...path, page } },
          signal,
        }),
      ),
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
  });

/** The file itself. Not kept once nobody looks at it. */
export const useOriginal = (path: RevisionPath, enabled: boolean) =>
  useQuery({
    queryKey: ["original", path.document_id, path.revision_id],
    queryFn: ({ signal }) =>
      take(
        api.GET("/api/v1/documents/{document_id}/revisions/{revision_id}/original", {
          params: { path },
          parseAs: "arrayBuffer",
          signal,
        }),
      ) as Promise<unknown> as Promise<ArrayBuffer>,
    enabled,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });

export const originalHref = ({ document_id, revision_id }: RevisionPath): string =>
  `/api/v1/documents/${document_id}/revisions/${revision_id}/original`;
