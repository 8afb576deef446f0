import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Document } from "@/api/types";
import { DocumentRow } from "./DocumentRow";

const ROW_PX = 76;
const OVERSCAN = 8;

interface Props {
  items: Document[];
  more: boolean;
  onMore: () => void;
}

/** All documents, of which only the rows in view exist. */
export function DocumentTable({ items, more, onMore }: Props) {
  const { t } = useTranslation();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    getItemKey: (index) => items[index]?.id ?? index,
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && last >= items.length - OVERSCAN) onMore();
  }, [more, last, items.length, onMore]);
  return (
    <div
      ref={scroller}
      tabIndex={0}
      role="region"
      aria-label={t("nav.documents")}
      className="min-h-0 grow overflow-y-auto rounded-lg border bg-surface"
    >
      <ul className="relative" style={{ height: rows.getTotalSize() }}>
        {shown.map((row) => {
          const document = items[row.index];
          return (
            document && (
              <li
                key={row.key}
                ref={rows.measureElement}
                data-index={row.index}
                aria-setsize={more ? -1 : items.length}
                aria-posinset={row.index + 1}
                className="absolute inset-x-0 top-0"
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <DocumentRow document={document} />
              </li>
            )
          );
        })}
      </ul>
    </div>
  );
}
