import { useEffect, useRef, useState } from "react";
import type { Passage } from "@/api/types";
import { useOriginal } from "@/source/useSource";

const WIDTH_PX = 96;

/** One after the other: a page of hits must not open thirty files at once. */
let before: Promise<unknown> = Promise.resolve();

async function draw(data: ArrayBuffer, number: number, canvas: HTMLCanvasElement): Promise<void> {
  const { openPdf } = await import("@/source/pdf");
  const file = await openPdf(data.slice(0));
  try {
    const page = await file.getPage(number);
    const { width } = page.getViewport({ scale: 1 });
    const viewport = page.getViewport({ scale: (WIDTH_PX * Math.min(devicePixelRatio, 2)) / width });
    canvas.width = Math.floor(viewport.width);
    canvas.height = Math.floor(viewport.height);
    await page.render({ canvas, viewport }).promise;
  } finally {
    await file.destroy();
  }
}

/** The page of a hit, small. Its file is asked for when the place comes into view. */
export function PageThumb({ passage }: { passage: Passage }) {
  const frame = useRef<HTMLSpanElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [seen, setSeen] = useState(false);
  const [drawn, setDrawn] = useState(false);
  const { data } = useOriginal(passage, seen);
  const page = passage.boxes[0]?.page ?? passage.page_first;
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const watch = new IntersectionObserver(([entry]) => entry?.isIntersecting && setSeen(true));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    const surface = canvas.current;
    if (!data || !surface) return;
    let current = true;
    const next = before.then(() => (current ? draw(data, page, surface) : undefined));
    // A page that can't be drawn stays an empty sheet; the hit says what stands there.
    before = next.catch(() => undefined);
    next.then(() => current && setDrawn(true)).catch(() => undefined);
    return () => {
      current = false;
    };
  }, [data, page]);
  return (
    <span ref={frame} data-drawn={drawn || undefined} className="h-32 w-24 shrink-0 overflow-hidden rounded-sm border bg-paper">
      <canvas ref={canvas} aria-hidden className="block w-full" />
    </span>
  );
}
