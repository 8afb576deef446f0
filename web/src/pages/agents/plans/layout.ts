// Where the tasks of a plan stand in its picture: stage below stage, each task below all that it waits for.

interface Task {
  id: string;
  after?: string[];
}

export interface Point {
  x: number;
  y: number;
}

export interface PlacedTask<T extends Task> extends Point {
  task: T;
  /** From 1, in the order of the plan. */
  number: number;
}

export interface Edge {
  from: string;
  to: string;
  /** From the lower edge of one to the upper edge of the other, around what stands between. */
  points: Point[];
}

export interface Layout<T extends Task> {
  width: number;
  height: number;
  stages: number;
  tasks: PlacedTask<T>[];
  edges: Edge[];
}

/** How large a task is drawn. */
export interface Size {
  width: number;
  height: number;
}

/** With its title, and with its number alone, where there is no room for more. */
export const FULL: Size = { width: 184, height: 56 };
export const SMALL: Size = { width: 44, height: 40 };
/** What a line takes that passes a stage. */
const LANE_WIDTH = 20;
const GAP_X = 20;
const GAP_Y = 44;
const MARGIN = 4;

/** A task, or a line that passes the stage on its way. */
interface Place {
  key: string;
  width: number;
  /** Keys in the stage before. */
  above: string[];
  x: number;
}

/** How many must have ended before a task begins, one after the other. */
function levelsOf(tasks: readonly Task[]): Map<string, number> {
  const levels = new Map<string, number>();
  // Tasks come in an order in which each waits only for those before it.
  for (const { id, after = [] } of tasks) {
    levels.set(id, Math.max(-1, ...after.map((one) => levels.get(one) ?? -1)) + 1);
  }
  return levels;
}

const laneKey = (from: string, to: string, level: number) => `${from}>${to}@${level}`;

function stagesOf(tasks: readonly Task[], levels: Map<string, number>, taskWidth: number): Place[][] {
  const stages: Place[][] = Array.from({ length: Math.max(-1, ...levels.values()) + 1 }, () => []);
  for (const { id, after = [] } of tasks) {
    const level = levels.get(id)!;
    const above: string[] = [];
    for (const from of after.filter((one) => levels.has(one))) {
      let last = from;
      for (let passed = levels.get(from)! + 1; passed < level; passed += 1) {
        const key = laneKey(from, id, passed);
        stages[passed]!.push({ key, width: LANE_WIDTH, above: [last], x: 0 });
        last = key;
      }
      above.push(last);
    }
    stages[level]!.push({ key: id, width: taskWidth, above, x: 0 });
  }
  return stages;
}

const widthOf = (stage: Place[]) => stage.reduce((sum, { width }) => sum + width, 0) + GAP_X * Math.max(stage.length - 1, 0);

/** Everything stands near the middle of what is above it: few lines cross then (barycentre method). */
function place(stages: Place[][], width: number): Map<string, Place> {
  const placed = new Map<string, Place>();
  for (const stage of stages) {
    const wish = ({ above }: Place) =>
      above.length ? above.reduce((sum, key) => sum + (placed.get(key)?.x ?? 0), 0) / above.length : width / 2;
    const ordered = stage.map((one) => ({ one, at: wish(one) })).sort((a, b) => a.at - b.at);
    let x = MARGIN + (width - widthOf(stage)) / 2;
    for (const { one } of ordered) {
      one.x = x + one.width / 2;
      x += one.width + GAP_X;
      placed.set(one.key, one);
    }
  }
  return placed;
}

export function layoutOf<T extends Task>(tasks: readonly T[], size: Size): Layout<T> {
  const levels = levelsOf(tasks);
  const stages = stagesOf(tasks, levels, size.width);
  const width = Math.max(0, ...stages.map(widthOf));
  const placed = place(stages, width);
  const top = (level: number) => MARGIN + level * (size.height + GAP_Y);
  const x = (key: string) => placed.get(key)?.x ?? 0;
  const edges = tasks.flatMap(({ id, after = [] }) =>
    after.filter((from) => levels.has(from)).map((from): Edge => {
      const [first, last] = [levels.get(from)!, levels.get(id)!];
      const points = [{ x: x(from), y: top(first) + size.height }];
      for (let passed = first + 1; passed < last; passed += 1) {
        const lane = x(laneKey(from, id, passed));
        points.push({ x: lane, y: top(passed) }, { x: lane, y: top(passed) + size.height });
      }
      points.push({ x: x(id), y: top(last) });
      return { from, to: id, points };
    }),
  );
  return {
    width: width + 2 * MARGIN,
    height: stages.length ? top(stages.length - 1) + size.height + MARGIN : 0,
    stages: stages.length,
    tasks: tasks.map((task, index) => ({ task, number: index + 1, x: x(task.id), y: top(levels.get(task.id)!) })),
    edges,
  };
}

/** A line through the points: curved between stages, straight past them. */
export function pathOf([first, ...rest]: Point[]): string {
  let path = `M${first!.x} ${first!.y}`;
  let before = first!;
  for (const point of rest) {
    const middle = (before.y + point.y) / 2;
    path += before.x === point.x ? `V${point.y}` : `C${before.x} ${middle} ${point.x} ${middle} ${point.x} ${point.y}`;
    before = point;
  }
  return path;
}

/** A title in as many lines as there are, at words; what is too long ends with dots. */
export function linesOf(title: string, chars: number, count: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of title.trim().split(/\s+/)) {
    if (!line) line = word;
    else if (line.length + 1 + word.length <= chars) line += ` ${word}`;
    else {
      lines.push(line);
      line = word;
    }
  }
  lines.push(line);
  const cut = (text: string, more: boolean) => {
    if (text.length <= chars - (more ? 1 : 0)) return more ? `${text}…` : text;
    const short = text.slice(0, chars - 1);
    return `${short.slice(0, short.includes(" ") ? short.lastIndexOf(" ") : chars)}…`;
  };
  return lines.slice(0, count).map((text, index) => cut(text, index === count - 1 && lines.length > count));
}
