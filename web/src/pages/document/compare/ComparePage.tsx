import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { DocumentDetails, Revision } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { buttonClass } from "@/ui/Button";
import { Notice } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { useDocument } from "../useDocument";
import { chosenOf, type Chosen } from "./chosen";
import { Comparison } from "./Comparison";
import { SidePicker } from "./SidePicker";
import { PageSteps } from "./PageSteps";

/** Two revisions of a document side by side, page by page. */
export function ComparePage() {
  const { t } = useTranslation();
  const { documentId } = useParams({ from: "/documents/$documentId/compare" });
  const document = useDocument(documentId);
  const back = (
    <Link to="/documents/$documentId" params={{ documentId }} className={buttonClass()}>
      {t("compare.back")}
    </Link>
  );
  return (
    <Page title={t("compare.title")} actions={back} wide>
      {document.isPending && <Skeleton lines={8} />}
      <ProblemNotice error={document.error} />
      {document.data && <Readable document={document.data} />}
    </Page>
  );
}

function Readable({ document }: { document: DocumentDetails }) {
  const { t } = useTranslation();
  const search = useSearch({ from: "/documents/$documentId/compare" });
  const navigate = useNavigate();
  const readable = document.revisions.filter(({ state }) => state === "ready").sort((a, b) => a.number - b.number);
  const chosen = chosenOf(readable, search);
  if (!chosen) return <Notice title={t("compare.single")} />;
  const choose = (change: Partial<Chosen>) => {
    const next = { ...chosen, ...change };
    void navigate({
      to: "/documents/$documentId/compare",
      params: { documentId: document.id },
      search: {
        older: String(next.older.number),
        newer: String(next.newer.number),
        left: String(next.left),
        right: String(next.right),
      },
      replace: true,
    });
  };
  const side = (revision: Revision, page: number) => ({ document_id: document.id, revision_id: revision.id, page });
  return (
    <>
      <p className="-mt-4 text-muted">{`${document.title} · ${document.key}`}</p>
      <div className="grid gap-4 md:grid-cols-2">
        <SidePicker
          legend={t("compare.older")}
          revisions={readable}
          revision={chosen.older}
          page={chosen.left}
          onRevision={(older) => choose({ older, left: Math.min(chosen.left, older.page_count ?? 1) })}
          onPage={(left) => choose({ left })}
        />
        <SidePicker
          legend={t("compare.newer")}
          revisions={readable}
          revision={chosen.newer}
          page={chosen.right}
          onRevision={(newer) => choose({ newer, right: Math.min(chosen.right, newer.page_count ?? 1) })}
          onPage={(right) => choose({ right })}
        />
      </div>
      <PageSteps chosen={chosen} onChoose={choose} />
      <Comparison older={side(chosen.older, chosen.left)} newer={side(chosen.newer, chosen.right)} />
    </>
  );
}
