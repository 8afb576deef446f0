import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useTyped } from "./useTyped";

const SETTLED_MS = 300;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const settle = () => act(() => vi.advanceTimersByTime(SETTLED_MS));

/** The field of a page whose address has `given` in it. */
function field(given: string | undefined, options?: Parameters<typeof useTyped>[2]) {
  const go = vi.fn<(words: string | undefined) => void>();
  const { result, rerender } = renderHook(({ given }) => useTyped(given, go, options), { initialProps: { given } });
  const type = (text: string) => act(() => result.current.setText(text));
  return { go, type, text: () => result.current.text, now: () => act(() => result.current.now()), arrive: (given: string | undefined) => rerender({ given }) };
}

it("goes on once somebody pauses, with what stands there then", () => {
  const { go, type, text } = field(undefined);
  for (const words of ["p", "pu", "pump "]) {
    type(words);
    act(() => vi.advanceTimersByTime(SETTLED_MS / 2));
  }
  expect(go).not.toHaveBeenCalled();
  settle();
  expect(go.mock.calls).toEqual([["pump"]]);
  expect(text()).toBe("pump ");
  type("");
  settle();
  expect(go.mock.calls).toEqual([["pump"], [undefined]]);
});

it("waits for enough characters, and not at all when it is told so", () => {
  const { go, type, now } = field(undefined, { charactersMin: 2 });
  type("p");
  settle();
  expect(go).not.toHaveBeenCalled();
  type("pump");
  now();
  settle();
  expect(go.mock.calls).toEqual([["pump"]]);
});

it("follows the address when somebody goes back or clears what was asked for", () => {
  const { go, type, text, arrive } = field("pump");
  expect(text()).toBe("pump");
  type("pump P-7");
  settle();
  arrive("pump P-7");
  arrive("pump");
  expect(text()).toBe("pump");
  arrive(undefined);
  expect(text()).toBe("");
  settle();
  expect(go.mock.calls).toEqual([["pump P-7"]]);
});
