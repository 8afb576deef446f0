import { Link } from "@tanstack/react-router";
import { Columns2, Download, Eye, Replace, Undo2 } from "lucide-react";
import { useState } from "react";
import type { Document, Revision } from "@/api/types";
import { useMay } from "@/app/session";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { useSources } from "@/source/SourceContext";
import { originalHref } from "@/source/useSource";
import { ValidityLine } from "@/source/ValidityLine";
import { Badge, LabelBadges } from "@/ui/Badge";
import { Button, buttonClass } from "@/ui/Button";
import { RevisionStateBadge } from "../documents/RevisionStateBadge";
import { said } from "./details";
import { SupersedeDialog } from "./SupersedeDialog";
import { targetOfPage } from "./targets";
import { WithdrawDialog } from "./WithdrawDialog";

interface Props {
  document: Document;
  revision: Revision;
  /** The one before it that can be read, if there is one. */
  before: Revision | undefined;
}

export function RevisionItem({ document, revision, before }: Props) {
  const { t } = useTranslation();
  const { bytes, moment } = useFormats();
  const sources = useSources();
  const may = useMay();
  const [doing, setDoing] = useState<"withdraw" | "supersede" | null>(null);
  const ready = revision.state === "ready";
  const metadata = Object.entries(revision.metadata);
  const path = { document_id: document.id, revision_id: revision.id };
  const size = "size-4";
  return (
    <li className="relative flex flex-col gap-2 pb-6 pl-5 last:pb-0">
      <span aria-hidden className="absolute top-2 -left-[7px] size-3 rounded-full bg-edge" />
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="font-semibold">{t("revision.number", { number: revision.number })}</h3>
        <RevisionStateBadge revision={revision} />
        <LabelBadges classification={revision.classification} exportControl={revision.export_control} />
        {revision.tags.map((tag) => (
          <Badge key={tag}>{tag}</Badge>
        ))}
      </div>
      <p className="text-sm break-words text-muted">
        {[revision.file_name, bytes(revision.size_bytes), revision.page_count && t("documents.pages", { count: revision.page_count }), moment(revision.uploaded_at)]
          .filter(Boolean)
          .join(" · ")}
      </p>
      <ValidityLine revision={revision} />
      {metadata.length > 0 && (
        <dl className="flex flex-wrap gap-x-4 gap-y-1 text-sm">
          {metadata.map(([name, value]) => (
            <div key={name} className="flex gap-1">
              <dt className="text-muted">{name}:</dt>
              <dd>{said(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      <div className="flex flex-wrap gap-2">
        {ready && (
          <Button className="text-sm" icon={<Eye aria-hidden className={size} />} onClick={() => sources.open([targetOfPage(document, revision)], 0)}>
            {t("document.read")}
          </Button>
        )}
        <a href={originalHref(path)} download className={buttonClass("quiet", "text-sm")}>
          <Download aria-hidden className={size} />
          {t("source.download")}
        </a>
        {ready && before && (
          <Link
            to="/documents/$documentId/compare"
            params={{ documentId: document.id }}
            search={{ older: String(before.number), newer: String(revision.number) }}
            className={buttonClass("quiet", "text-sm")}
          >
            <Columns2 aria-hidden className={size} />
            {t("compare.open")}
          </Link>
        )}
        {ready && revision.validity === "valid" && may("documents.withdraw") && (
          <>
            <Button look="quiet" className="text-sm" icon={<Replace aria-hidden className={size} />} onClick={() => setDoing("supersede")}>
              {t("document.supersede")}
            </Button>
            <Button look="danger" className="text-sm" icon={<Undo2 aria-hidden className={size} />} onClick={() => setDoing("withdraw")}>
              {t("document.withdraw")}
            </Button>
          </>
        )}
      </div>
      {doing === "withdraw" && <WithdrawDialog document={document} revision={revision} onClose={() => setDoing(null)} />}
      {doing === "supersede" && <SupersedeDialog document={document} revision={revision} onClose={() => setDoing(null)} />}
    </li>
  );
}
