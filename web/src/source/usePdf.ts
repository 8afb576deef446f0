import { useEffect, useState } from "react";
import type { PDFDocumentProxy, PDFPageProxy } from "./pdf";

interface Opened {
  document: PDFDocumentProxy | null;
  error: unknown;
}

/** The opened file; pdf.js itself comes with the first one. */
export function usePdf(data: ArrayBuffer | undefined): Opened {
  const [opened, setOpened] = useState<Opened>({ document: null, error: null });
  useEffect(() => {
    if (!data) return;
    let current = true;
    let document: PDFDocumentProxy | null = null;
    const open = async () => {
      const { openPdf } = await import("./pdf");
      // A copy: pdf.js gives the bytes away to its worker.
      document = await openPdf(data.slice(0));
      if (current) setOpened({ document, error: null });
      else void document.destroy();
    };
    open().catch((error: unknown) => current && setOpened({ document: null, error }));
    return () => {
      current = false;
      setOpened({ document: null, error: null });
      void document?.destroy();
    };
  }, [data]);
  return opened;
}

/** A page of it, counted from 1. */
export function usePdfPage(document: PDFDocumentProxy | null, number: number): PDFPageProxy | null {
  const [page, setPage] = useState<PDFPageProxy | null>(null);
  useEffect(() => {
    let current = true;
    setPage(null);
    document?.getPage(number).then((found) => current && setPage(found), () => undefined);
    return () => {
      current = false;
    };
  }, [document, number]);
  return page;
}
