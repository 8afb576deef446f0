import { ZoomIn, ZoomOut } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import type { BoxView } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { IconButton } from "@/ui/Button";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Spinner } from "@/ui/States";
import { isLocated, isPartLocated, isSameSize } from "./locate";
import type { PDFPageProxy } from "./pdf";
import { PdfPage } from "./PdfPage";
import type { SourceTarget } from "./target";
import { usePdf, usePdfPage } from "./usePdf";
import { useOriginal, usePageText } from "./useSource";

const NONE: BoxView[] = [];
const ZOOM_STEP = 0.5;
const ZOOM_MAX = 3;

interface Props {
  target: SourceTarget;
  page: number;
}

/** The page of a PDF with the cited lines, as far as their place is proved. */
export function PdfView({ target, page }: Props) {
  const { t } = useTranslation();
  const original = useOriginal(target, true);
  const { document, error } = usePdf(original.data);
  const shown = usePdfPage(document, page);
  const boxes = useMemo(() => target.boxes.filter((box) => box.page === page), [target, page]);
  const [zoom, setZoom] = useState(1);
  const wanted = page === target.page;
  const located = useLocated(target, boxes, shown);
  if (original.isError) return <ProblemNotice error={original.error} />;
  if (error) return <Notice tone="warn" title={t("source.unreadable")}>{t("source.unreadable_next")}</Notice>;
  if (!shown) return <Spinner>{t("source.loading")}</Spinner>;
  return (
    <>
      {wanted && target.words !== "" && located === false && (
        <Notice tone="warn" role="status" title={t("source.not_located")}>
          <blockquote className="border-l-4 pl-3">{target.words}</blockquote>
        </Notice>
      )}
      <div className="-mt-2 flex justify-end gap-1">
        <IconButton label={t("source.zoom_out")} disabled={zoom <= 1} onClick={() => setZoom(zoom - ZOOM_STEP)}>
          <ZoomOut aria-hidden />
        </IconButton>
        <IconButton label={t("source.zoom_in")} disabled={zoom >= ZOOM_MAX} onClick={() => setZoom(zoom + ZOOM_STEP)}>
          <ZoomIn aria-hidden />
        </IconButton>
      </div>
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={t("source.page_image", { page })}>
        <PdfPage page={shown} boxes={located ? boxes : NONE} zoom={zoom} />
      </div>
    </>
  );
}

/** Whether the boxes are proved; null while that is found out. */
function useLocated(target: SourceTarget, boxes: BoxView[], page: PDFPageProxy | null): boolean | null {
  const [located, setLocated] = useState<boolean | null>(null);
  const read = usePageText(target, page?.pageNumber ?? target.page, page !== null && boxes.length > 0);
  useEffect(() => {
    setLocated(null);
    if (!page) return;
    if (!boxes.length || read.isError) return setLocated(false);
    if (!read.data) return;
    let current = true;
    const check = async () => {
      const { placedTexts } = await import("./pdf");
      const { width, height } = page.getViewport({ scale: 1 });
      const same = isSameSize({ width, height }, { width: read.data.width_pt, height: read.data.height_pt });
      // A quote may go on on the next page: only the words of this one can stand here.
      const whole = boxes.length === target.boxes.length;
      const texts = same ? await placedTexts(page) : [];
      const prove = whole ? isLocated : isPartLocated;
      const proved = same && prove(target.words, boxes, texts);
      if (current) setLocated(proved);
    };
    check().catch(() => current && setLocated(false));
    return () => {
      current = false;
    };
  }, [page, boxes, target, read.data, read.isError]);
  return located;
}
