import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef } from "react";
import type { Document } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { DocumentRow } from "./DocumentRow";

const ROW_PX = 76;
const OVERSCAN = 4;

interface Props {
  items: Document[];
  more: boolean;
  onMore: () => void;
}

/** All documents, of which only the rows in view exist. */
export function DocumentTable({ items, more, onMore }: Props) {
  const { t } = useTranslation();
  const scroller = useRef<HTMLDivElement>(null);
  // The same function while only the scrolling changes: with another one all rows are measured anew.
  const keyOf = useCallback((index: number) => items[index]?.id ?? index, [items]);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    getItemKey: keyOf,
  });
  const shown = rows.getVirtualItems();
  const inView = Math.ceil((rows.scrollRect?.height ?? 0) / ROW_PX) + 1;
  const places = Math.max(inView + 2 * OVERSCAN, shown.length);
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
        {shown.map(({ index, start }) => {
          const document = items[index];
          return (
            document && (
              <RowPlace
                key={index % places}
                rows={rows}
                index={index}
                start={start}
                count={more ? -1 : items.length}
                document={document}
              />
            )
          );
        })}
      </ul>
    </div>
  );
}

interface PlaceProps {
  rows: Virtualizer<HTMLDivElement, Element>;
  index: number;
  start: number;
  /** How many documents there are; -1 when nobody knows yet. */
  count: number;
  document: Document;
}

/** A place for a row: scrolling puts another document into it, which costs half of what a new row costs. */
function RowPlace({ rows, index, start, count, document }: PlaceProps) {
  const place = useRef<HTMLLIElement>(null);
  useLayoutEffect(() => rows.measureElement(place.current), [rows]);
  useLayoutEffect(() => {
    if (place.current) rows.resizeItem(index, place.current.offsetHeight);
  }, [rows, index, document]);
  return (
    <li
      ref={place}
      data-index={index}
      aria-setsize={count}
      aria-posinset={index + 1}
      className="absolute inset-x-0 top-0"
      style={{ transform: `translateY(${start}px)` }}
    >
      <DocumentRow document={document} />
    </li>
  );
}
