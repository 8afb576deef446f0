import { useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import type { RowState } from "../workflows/steps";
import { FULL, layoutOf, linesOf, pathOf, SMALL, type PlacedTask, type Size } from "./layout";
import type { PlanTask } from "./usePlans";

const BOXES: Record<RowState, string> = {
  done: "fill-good-soft stroke-good",
  failed: "fill-bad-soft stroke-bad",
  running: "fill-accent-soft stroke-accent",
  waiting: "fill-warn-soft stroke-warn",
  to_come: "fill-surface stroke-edge",
  not_reached: "fill-surface stroke-line",
};
const LINE_CHARS = 20;

interface Props {
  tasks: PlanTask[];
  states: ReadonlyMap<string, RowState>;
}

/** The plan as a picture. Everything in it is in the list of tasks as well, for those who don't see it. */
export function TaskGraph({ tasks, states }: Props) {
  const { t } = useTranslation();
  const arrow = useId();
  const box = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(Number.POSITIVE_INFINITY);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const watcher = new ResizeObserver(() => setRoom(element.clientWidth));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  const full = layoutOf(tasks, FULL);
  const size = full.width <= room ? FULL : SMALL;
  const { width, height, stages, tasks: placed, edges } = size === FULL ? full : layoutOf(tasks, SMALL);
  const label = t("plan.picture", { count: tasks.length, stages });
  return (
    <div ref={box} role="group" aria-label={label} tabIndex={width > room ? 0 : undefined} className="overflow-x-auto pb-2">
      <svg role="img" aria-label={label} width={width} height={height} viewBox={`0 0 ${width} ${height}`} className="mx-auto block">
        <defs>
          <marker id={arrow} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
            <path d="M0 0 8 4 0 8z" className="fill-muted" />
          </marker>
        </defs>
        {edges.map(({ from, to, points }) => (
          <path key={`${from}>${to}`} d={pathOf(points)} markerEnd={`url(#${arrow})`} className="fill-none stroke-muted" strokeWidth="1.5" />
        ))}
        {placed.map((one) => (
          <TaskBox key={one.task.id} placed={one} size={size} state={states.get(one.task.id) ?? "to_come"} />
        ))}
      </svg>
    </div>
  );
}

interface BoxProps {
  placed: PlacedTask<PlanTask>;
  size: Size;
  state: RowState;
}

function TaskBox({ placed: { task, number, x, y }, size, state }: BoxProps) {
  const lines = size === FULL ? linesOf(task.title, LINE_CHARS, 2) : [];
  const middle = size.height / 2 + 5;
  return (
    <g transform={`translate(${x - size.width / 2} ${y})`}>
      <rect width={size.width} height={size.height} rx="10" strokeWidth="1.5" strokeDasharray={task.kind === "ask" ? "5 4" : undefined} className={BOXES[state]} />
      <text x={size === FULL ? 18 : size.width / 2} y={middle} textAnchor="middle" className="fill-ink text-sm font-semibold">
        {number}
      </text>
      {lines.map((line, index) => (
        <text key={index} x="36" y={middle + (index - (lines.length - 1) / 2) * 17} className="fill-ink text-[13px]">
          {line}
        </text>
      ))}
    </g>
  );
}
