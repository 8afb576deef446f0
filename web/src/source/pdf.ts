import {
  getDocument,
  GlobalWorkerOptions,
  TextLayer,
  Util,
  version,
  type PDFDocumentProxy,
  type PDFPageProxy,
  type PageViewport,
} from "pdfjs-dist";
import workerUrl from "pdfjs-dist/build/pdf.worker.min.mjs?url";
import type { PlacedText } from "./locate";

GlobalWorkerOptions.workerSrc = workerUrl;

/** Fonts that files may leave out, and the decoder that needs no WebAssembly. See vite.config.ts. */
const PARTS = `/assets/app/pdf-${version}/`;

export type { PDFDocumentProxy, PDFPageProxy, PageViewport };
export { TextLayer };

/** Opens a file; nothing in it may run. */
export function openPdf(data: ArrayBuffer): Promise<PDFDocumentProxy> {
  return getDocument({
    data,
    isEvalSupported: false,
    enableXfa: false,
    // The content security policy allows no WebAssembly.
    useWasm: false,
    standardFontDataUrl: PARTS,
    wasmUrl: PARTS,
    useSystemFonts: false,
  }).promise;
}

/** The page's texts as displayed, in points from the top left corner. */
export async function placedTexts(page: PDFPageProxy): Promise<PlacedText[]> {
  const viewport = page.getViewport({ scale: 1 });
  const content = await page.getTextContent();
  const texts: PlacedText[] = [];
  for (const item of content.items) {
    if (!("str" in item) || !item.str.trim()) continue;
    // The item's own matrix holds its size already: undo it, then go to the page as displayed.
    const [a, b, c, d] = item.transform as number[];
    const across = Math.hypot(a ?? 0, b ?? 0) || 1;
    const up = Math.hypot(c ?? 0, d ?? 0) || 1;
    const matrix = Util.transform(viewport.transform, item.transform as number[]) as number[];
    const corners = [
      [0, 0],
      [item.width / across, 0],
      [0, (item.height || up) / up],
      [item.width / across, (item.height || up) / up],
    ].map(([x = 0, y = 0]) => [
      (matrix[0] ?? 0) * x + (matrix[2] ?? 0) * y + (matrix[4] ?? 0),
      (matrix[1] ?? 0) * x + (matrix[3] ?? 0) * y + (matrix[5] ?? 0),
    ]);
    const xs = corners.map((corner) => corner[0] ?? 0);
    const ys = corners.map((corner) => corner[1] ?? 0);
    texts.push({
      text: item.str,
      left: Math.min(...xs),
      right: Math.max(...xs),
      top: Math.min(...ys),
      bottom: Math.max(...ys),
    });
  }
  return texts;
}
