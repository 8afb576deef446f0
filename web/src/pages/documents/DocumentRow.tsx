import { useRouter } from "@tanstack/react-router";
import { FileText } from "lucide-react";
import { memo } from "react";
import type { Document } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { LabelBadges } from "@/ui/Badge";
import { RowLink } from "@/ui/RowLink";
import { RevisionStateBadge } from "./RevisionStateBadge";

/** A document in the list of all; scrolling leaves it as it is. */
export const DocumentRow = memo(function DocumentRow({ document }: { document: Document }) {
  const { t } = useTranslation();
  const { ago } = useFormats();
  const { current } = document;
  const router = useRouter();
  const reach = () => void router.preloadRoute({ to: "/documents/$documentId", params: { documentId: document.id } });
  return (
    <div className="relative flex min-h-19 items-center gap-3 border-b px-4 py-2 hover:bg-hover">
      <FileText aria-hidden className="size-5 shrink-0 text-muted" />
      <div className="min-w-0 grow">
        {/* A link of its own for every document: the focus must not pass to another one. */}
        <RowLink
          key={document.id}
          href={`/documents/${document.id}`}
          onReach={reach}
          className="line-clamp-1 font-medium after:absolute after:inset-0"
        >
          {document.title}
        </RowLink>
        <p className="flex flex-wrap items-center gap-x-2 text-sm text-muted">
          <span className="truncate">{document.key}</span>
          <span>· {t("revision.number", { number: current.number })}</span>
          {current.page_count ? <span>· {t("documents.pages", { count: current.page_count })}</span> : null}
          <span>· {ago(document.updated_at)}</span>
        </p>
      </div>
      <div className="flex shrink-0 flex-col items-end gap-1 sm:flex-row">
        <RevisionStateBadge revision={current} />
        <LabelBadges classification={current.classification} exportControl={current.export_control} />
      </div>
    </div>
  );
});
