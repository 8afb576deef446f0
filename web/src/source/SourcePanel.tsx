import { ChevronLeft, ChevronRight, Download } from "lucide-react";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge, LabelBadges, StandingBadge } from "@/ui/Badge";
import { buttonClass, IconButton } from "@/ui/Button";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { PdfView } from "./PdfView";
import { ReadingView } from "./ReadingView";
import type { SourceTarget } from "./target";
import { originalHref, useRevision } from "./useSource";
import { ValidityLine } from "./ValidityLine";

/** A document at the place that was cited. */
export function SourcePanel({ target }: { target: SourceTarget }) {
  const { t } = useTranslation();
  const revision = useRevision(target);
  const [page, setPage] = useState(target.page);
  useEffect(() => setPage(target.page), [target]);
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-col gap-2">
        <p className="text-sm text-muted">
          {[target.document_key, ...target.heading_path].join(" › ")}
        </p>
        <div className="flex flex-wrap items-center gap-2">
          <Badge>{t("revision.number", { number: target.revision_number })}</Badge>
          {revision.data && <StandingBadge standing={revision.data.standing} />}
          <LabelBadges classification={target.classification} exportControl={target.export_control} />
        </div>
        {revision.data && <ValidityLine revision={revision.data} />}
        <div className="flex flex-wrap gap-2">
          <Link to="/documents/$documentId" params={{ documentId: target.document_id }} className={buttonClass("secondary", "text-sm")}>
            {t("source.open_document")}
          </Link>
          <a href={originalHref(target)} download className={buttonClass("quiet", "text-sm")}>
            <Download aria-hidden className="size-4" />
            {t("source.download")}
          </a>
        </div>
      </div>
      <PageSteps page={page} count={revision.data?.page_count ?? null} onPage={setPage} />
      <ProblemNotice error={revision.error} />
      {revision.isPending && <Skeleton lines={8} />}
      {revision.data &&
        (revision.data.format === "pdf" ? <PdfView target={target} page={page} /> : <ReadingView target={target} page={page} />)}
    </div>
  );
}

interface StepsProps {
  page: number;
  count: number | null;
  onPage: (page: number) => void;
}

function PageSteps({ page, count, onPage }: StepsProps) {
  const { t } = useTranslation();
  if (count === 1) return null;
  return (
    <div className="flex items-center gap-1">
      <IconButton label={t("source.previous_page")} disabled={page <= 1} onClick={() => onPage(page - 1)}>
        <ChevronLeft aria-hidden />
      </IconButton>
      <p aria-live="polite" className="min-w-24 text-center tabular-nums">
        {count ? t("source.page_of", { page, count }) : t("source.page", { page })}
      </p>
      <IconButton label={t("source.next_page")} disabled={count === null || page >= count} onClick={() => onPage(page + 1)}>
        <ChevronRight aria-hidden />
      </IconButton>
    </div>
  );
}
