import { useParams } from "@tanstack/react-router";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { SourceProvider } from "@/source/SourceProvider";
import { LabelBadges } from "@/ui/Badge";
import { Page } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { RevisionStateBadge } from "../documents/RevisionStateBadge";
import { CitingList } from "./CitingList";
import { ChunkList } from "./ChunkList";
import { DisclosureList } from "./DisclosureList";
import { DocumentActions } from "./DocumentActions";
import { PageProblems } from "./PageProblems";
import { RevisionList } from "./RevisionList";
import { useDocument } from "./useDocument";

export function DocumentPage() {
  const { documentId } = useParams({ from: "/documents/$documentId" });
  return (
    <SourceProvider key={documentId}>
      <DocumentView id={documentId} />
    </SourceProvider>
  );
}

function DocumentView({ id }: { id: string }) {
  const { t } = useTranslation();
  const document = useDocument(id);
  const may = useMay();
  if (document.isPending) {
    return (
      <Page title={t("nav.documents")}>
        <Skeleton lines={8} />
      </Page>
    );
  }
  if (document.isError) {
    return (
      <Page title={t("nav.documents")}>
        <ProblemNotice error={document.error} />
      </Page>
    );
  }
  const { title, key, current, revisions, page_problems, chunks, chunk_count } = document.data;
  return (
    <Page title={title} actions={<DocumentActions document={document.data} />}>
      <p className="-mt-4 flex flex-wrap items-center gap-2 text-muted">
        {key}
        <RevisionStateBadge revision={current} />
        <LabelBadges classification={current.classification} exportControl={current.export_control} />
      </p>
      <PageProblems revision={current} problems={page_problems} />
      <RevisionList document={document.data} revisions={revisions} />
      <ChunkList document={document.data} chunks={chunks} count={chunk_count} />
      <CitingList document={document.data} />
      {may("audit.read") && <DisclosureList id={id} />}
    </Page>
  );
}
