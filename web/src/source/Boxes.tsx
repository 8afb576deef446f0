import { useEffect, useRef } from "react";
import type { BoxView } from "@/api/types";

/** Around a line, so that the frame does not touch its letters. */
const MARGIN_PT = 1;

interface Props {
  boxes: BoxView[];
  width: number;
  height: number;
}

/** The cited lines, marked on their page. */
export function Boxes({ boxes, width, height }: Props) {
  const first = useRef<HTMLDivElement>(null);
  useEffect(() => {
    first.current?.scrollIntoView({ block: "center" });
  }, [boxes]);
  return boxes.map((box, index) => (
    <div
      key={`${box.left} ${box.top}`}
      ref={index === 0 ? first : undefined}
      data-testid="cited-box"
      className="pointer-events-none absolute rounded-xs outline-1 outline-box-edge bg-box mix-blend-multiply"
      style={{
        left: `${((box.left - MARGIN_PT) / width) * 100}%`,
        top: `${((box.top - MARGIN_PT) / height) * 100}%`,
        width: `${((box.right - box.left + 2 * MARGIN_PT) / width) * 100}%`,
        height: `${((box.bottom - box.top + 2 * MARGIN_PT) / height) * 100}%`,
      }}
    />
  ));
}
