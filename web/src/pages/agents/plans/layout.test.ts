import { describe, expect, it } from "vitest";
import { FULL, layoutOf, linesOf, pathOf, SMALL } from "./layout";

const task = (id: string, ...after: string[]) => ({ id, after });
const boxes = (layout: ReturnType<typeof layoutOf>) => layout.tasks.map(({ task: { id }, x, y }) => ({ id, x, y }));

describe("the picture of a plan", () => {
  const diamond = [task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c", "a")];

  it("has each task below all that it waits for", () => {
    const layout = layoutOf(diamond, FULL);
    const y = Object.fromEntries(boxes(layout).map(({ id, y }) => [id, y]));
    expect(layout.stages).toBe(3);
    expect(y.b).toBe(y.c);
    expect(y.a! < y.b! && y.b! < y.d!).toBe(true);
    expect(layout.tasks.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  });

  it("has room for every box, and none upon another", () => {
    for (const size of [FULL, SMALL]) {
      const layout = layoutOf([...diamond, task("e"), task("f", "e", "d"), task("g", "a", "f")], size);
      for (const { x, y } of layout.tasks) {
        expect(x - size.width / 2).toBeGreaterThanOrEqual(0);
        expect(x + size.width / 2).toBeLessThanOrEqual(layout.width);
        expect(y + size.height).toBeLessThanOrEqual(layout.height);
      }
      for (const one of layout.tasks) {
        for (const other of layout.tasks) {
          if (one !== other && one.y === other.y) expect(Math.abs(one.x - other.x)).toBeGreaterThan(size.width);
        }
      }
    }
  });

  it("leads a line that passes a stage between its boxes", () => {
    const layout = layoutOf(diamond, FULL);
    const { points } = layout.edges.find(({ from, to }) => from === "a" && to === "d")!;
    expect(points).toHaveLength(4);
    const between = layout.tasks.filter(({ y }) => y === points[1]!.y);
    expect(between).toHaveLength(2);
    for (const { x } of between) expect(Math.abs(points[1]!.x - x)).toBeGreaterThan(FULL.width / 2);
    expect(points[1]!.x).toBe(points[2]!.x);
  });

  it("does without what is not there", () => {
    expect(layoutOf([], FULL)).toMatchObject({ stages: 0, height: 0, edges: [] });
    expect(layoutOf([task("a", "gone")], FULL).edges).toEqual([]);
  });
});

it("draws curves between stages and straight lines past them", () => {
  expect(pathOf([{ x: 0, y: 0 }, { x: 10, y: 20 }, { x: 10, y: 40 }])).toBe("M0 0C0 10 10 10 10 20V40");
});

it("breaks titles at words and says that something is missing", () => {
  expect(linesOf("Find the coupling gap and its limit", 20, 2)).toEqual(["Find the coupling", "gap and its limit"]);
  expect(linesOf("Find the coupling gap and its limit of all pumps", 20, 2)).toEqual(["Find the coupling", "gap and its limit…"]);
  expect(linesOf("Donaudampfschifffahrtsgesellschaft", 20, 2)).toEqual(["Donaudampfschifffah…"]);
});
