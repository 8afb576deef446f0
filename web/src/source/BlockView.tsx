import { useEffect, useRef, type ReactNode } from "react";
import type { Block } from "@/api/types";
import { cx } from "@/ui/cx";
import { textOf, type Mark } from "./marks";

interface Props {
  block: Block;
  marked: Mark[];
  /** Whether it is the one to be looked at. */
  first: boolean;
}

/** A piece of a document in the form that its kind has. */
export function BlockView({ block, marked, first }: Props) {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    if (first) ref.current?.scrollIntoView({ block: "center" });
  }, [first]);
  const text = withMarks(textOf(block), marked);
  const set = (element: HTMLElement | null) => {
    ref.current = element;
  };
  switch (block.kind) {
    case "heading":
      return (
        <p ref={set} role="heading" aria-level={Math.min(6, 2 + (block.level ?? 1))} className={cx("font-semibold", (block.level ?? 1) < 3 && "text-lg")}>
          {text}
        </p>
      );
    case "list_item":
      return (
        <p ref={set} className={cx("border-l-2 pl-3", (block.level ?? 1) > 1 && "ml-5")}>
          {text}
        </p>
      );
    case "code":
      return (
        <pre ref={set} tabIndex={0} className="overflow-x-auto rounded-sm bg-sunken p-3 font-mono text-sm">
          {withMarks(block.lines.map((line) => line.text).join("\n"), marked.map((mark) => ({ ...mark, start: 0, end: Infinity })))}
        </pre>
      );
    case "table":
      return block.table ? <TableBlock table={block.table} marked={marked.length > 0} set={set} /> : null;
    case "caption":
      return (
        <p ref={set} className="text-sm text-muted italic">
          {text}
        </p>
      );
    default:
      return <p ref={set}>{text}</p>;
  }
}

function withMarks(text: string, marks: Mark[]): ReactNode {
  const [mark] = marks;
  if (!mark) return text;
  const end = Math.min(mark.end, text.length);
  return (
    <>
      {text.slice(0, mark.start)}
      <mark data-testid="cited-words">{text.slice(mark.start, end)}</mark>
      {text.slice(end)}
    </>
  );
}

interface TableProps {
  table: NonNullable<Block["table"]>;
  marked: boolean;
  set: (element: HTMLElement | null) => void;
}

function TableBlock({ table, marked, set }: TableProps) {
  return (
    <div ref={set} tabIndex={0} role="group" className={cx("overflow-x-auto", marked && "rounded-sm outline-4 outline-mark")} data-testid={marked ? "cited-words" : undefined}>
      <table className="w-full border-collapse text-sm">
        <tbody>
          {table.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => {
                const Cell = index < table.header_rows ? "th" : "td";
                return (
                  <Cell key={column} colSpan={cell.column_span} className="border px-2 py-1 text-left align-top">
                    {cell.text}
                  </Cell>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
