import { useEffect, useRef } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useLook } from "@/app/theme";
import type { Formats } from "@/i18n/format";
import { useDark } from "./useDark";

interface Props {
  /** Seconds since the epoch. */
  days: number[];
  lines: { label: string; counts: number[] }[];
  formats: Formats;
}

const HEIGHT_PX = 220;
/** The tokens of the lines, first to last; dashes tell them apart without colour. */
const STROKES = [
  { token: "--color-accent", dash: [] },
  { token: "--color-bad", dash: [6, 4] },
];

/** A token's colour as the canvas takes it: what the theme makes of it now. */
function colourOf(token: string, within: HTMLElement): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  within.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** A line per series over the days. */
export function DailyChart({ days, lines, formats }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const look = useLook();
  const dark = useDark();
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const [ink, grid] = [colourOf("--color-muted", element), colourOf("--color-line", element)];
    const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const day = (seconds: number) => formats.day(seconds * 1000);
    const chart = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PX,
        tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), "UTC"),
        cursor: { drag: { x: false, y: false } },
        scales: { y: { range: (_, __, most) => [0, Math.max(4, most * 1.1)] } },
        axes: [
          { ...axis, values: (_, splits) => splits.map(day) },
          { ...axis, values: (_, splits) => splits.map((value) => (Number.isInteger(value) ? formats.number(value) : "")) },
        ],
        series: [
          { value: (_, seconds) => (seconds === null ? "–" : day(seconds)) },
          ...lines.map(({ label }, index) => {
            const { token, dash } = STROKES[index % STROKES.length] ?? STROKES[0]!;
            return { label, stroke: colourOf(token, element), width: 2, dash, points: { size: 6 } };
          }),
        ],
        legend: { show: true, live: false },
      },
      [days, ...lines.map(({ counts }) => counts)],
      element,
    );
    const resized = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      chart.destroy();
    };
  }, [days, lines, formats, look, dark]);
  return <div ref={place} aria-hidden className="min-h-64 w-full" />;
}
