import { createPortal } from "react-dom";
import type { Citation } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { LabelBadges } from "@/ui/Badge";

const WIDTH_PX = 416;
const GAP_PX = 8;

interface Props {
  citation: Citation;
  beside: DOMRect;
  onEnter: () => void;
  onLeave: () => void;
}

/** The quote behind a number, beside it. */
export function QuoteCard({ citation, beside, onEnter, onLeave }: Props) {
  const { t } = useTranslation();
  const width = Math.min(WIDTH_PX, innerWidth - 2 * GAP_PX);
  const left = Math.max(GAP_PX, Math.min(beside.left - width / 4, innerWidth - width - GAP_PX));
  const below = beside.bottom < innerHeight / 2;
  const place = below ? { top: beside.bottom + GAP_PX } : { bottom: innerHeight - beside.top + GAP_PX };
  const where = [
    citation.document_key,
    t("revision.number", { number: citation.revision_number }),
    t("source.page", { page: citation.page }),
  ];
  return createPortal(
    <div
      role="tooltip"
      onPointerEnter={onEnter}
      onPointerLeave={onLeave}
      style={{ left, width, ...place }}
      className="no-print fixed z-50 flex flex-col gap-2 rounded-md border bg-raised p-4 text-sm text-ink shadow-raised"
    >
      <p className="font-semibold">{citation.document_title}</p>
      <p className="text-muted">{where.join(" · ")}</p>
      <blockquote className="line-clamp-6 border-l-4 border-accent pl-3">{citation.quote}</blockquote>
      <p className="flex gap-1">
        <LabelBadges classification={citation.classification} exportControl={citation.export_control} />
      </p>
    </div>,
    document.body,
  );
}
