import { useEffect, useRef, useState } from "react";
import type { BoxView } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Boxes } from "./Boxes";
import type { PDFPageProxy } from "./pdf";
import { useWidth } from "./useWidth";

/** More pixels than this cost memory and show nothing. */
const RATIO_MAX = 2;

interface Props {
  page: PDFPageProxy;
  /** Boxes whose place is proved. */
  boxes: BoxView[];
  /** How many times wider than the room there is. */
  zoom: number;
}

/** A page as it is printed, its text over it to be selected and read aloud, and the cited boxes. */
export function PdfPage({ page, boxes, zoom }: Props) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const text = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const [drawn, setDrawn] = useState(false);
  const natural = page.getViewport({ scale: 1 });
  const scale = width ? width / natural.width : 0;

  useEffect(() => {
    if (!scale || !canvas.current || !text.current) return;
    const ratio = Math.min(devicePixelRatio, RATIO_MAX);
    const sharp = page.getViewport({ scale: scale * ratio });
    const surface = canvas.current;
    surface.width = Math.floor(sharp.width);
    surface.height = Math.floor(sharp.height);
    const drawing = page.render({ canvas: surface, viewport: sharp });
    let current = true;
    drawing.promise.then(
      () => current && setDrawn(true),
      () => undefined,
    );
    const container = text.current;
    container.replaceChildren();
    container.style.setProperty("--total-scale-factor", String(scale));
    let layer: { cancel: () => void } | null = null;
    void import("./pdf").then(({ TextLayer }) => {
      if (!current) return;
      const made = new TextLayer({
        textContentSource: page.streamTextContent(),
        container,
        viewport: page.getViewport({ scale }),
      });
      layer = made;
      made.render().catch(() => undefined);
    });
    return () => {
      current = false;
      drawing.cancel();
      layer?.cancel();
    };
  }, [page, scale]);

  return (
    <div
      ref={frame}
      className="relative overflow-hidden rounded-sm bg-paper shadow-raised"
      style={{ width: `${zoom * 100}%` }}
      data-drawn={drawn || undefined}
    >
      <canvas
        ref={canvas}
        role="img"
        aria-label={t("source.page_image", { page: page.pageNumber })}
        className="block w-full"
        style={{ aspectRatio: `${natural.width} / ${natural.height}` }}
      />
      <Boxes boxes={boxes} width={natural.width} height={natural.height} />
      <div ref={text} className="text-layer" />
    </div>
  );
}
