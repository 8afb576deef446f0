import { useCallback, useEffect, useRef, useState, type RefObject } from "react";

const SHOW_MS = 150;
const HIDE_MS = 150;

interface Lingering {
  /** Where the element is, while somebody lingers at it. */
  lingering: DOMRect | null;
  leave: () => void;
  /** Keeps it while the pointer is on what was shown. */
  hold: () => void;
}

/**
 * Whether pointer or focus rest on an element. What is shown then can be reached with the pointer
 * and closed with Escape (WCAG 2.2, 1.4.13).
 */
export function useLingering(ref: RefObject<HTMLElement | null>): Lingering {
  const [lingering, setLingering] = useState<DOMRect | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const after = useCallback((ms: number, act: () => void) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(act, ms);
  }, []);
  const show = useCallback(() => setLingering(ref.current?.getBoundingClientRect() ?? null), [ref]);
  const leave = useCallback(() => {
    clearTimeout(timer.current);
    setLingering(null);
  }, []);
  const hold = useCallback(() => clearTimeout(timer.current), []);

  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const enter = (event: PointerEvent) => event.pointerType === "mouse" && after(SHOW_MS, show);
    const goes = () => after(HIDE_MS, leave);
    const focus = () => element.matches(":focus-visible") && show();
    element.addEventListener("pointerenter", enter);
    element.addEventListener("pointerleave", goes);
    element.addEventListener("focus", focus);
    element.addEventListener("blur", goes);
    return () => {
      clearTimeout(timer.current);
      element.removeEventListener("pointerenter", enter);
      element.removeEventListener("pointerleave", goes);
      element.removeEventListener("focus", focus);
      element.removeEventListener("blur", goes);
    };
  }, [ref, after, show, leave]);

  useEffect(() => {
    if (!lingering) return;
    const close = (event: Event) => {
      if (!(event instanceof KeyboardEvent) || event.key === "Escape") leave();
    };
    document.addEventListener("keydown", close);
    document.addEventListener("scroll", close, true);
    return () => {
      document.removeEventListener("keydown", close);
      document.removeEventListener("scroll", close, true);
    };
  }, [lingering, leave]);
  return { lingering, leave, hold };
}
