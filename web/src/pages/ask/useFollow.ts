import { useEffect, useRef, type RefObject } from "react";

/** How near to its end a thread must be to be followed. */
const NEAR_PX = 160;

/** Keeps the end of a growing thread in view, unless its reader went back. */
export function useFollow(grown: string, place: string): RefObject<HTMLDivElement | null> {
  const ref = useRef<HTMLDivElement>(null);
  const last = useRef({ place: "", height: 0 });
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const { scrollHeight, scrollTop, clientHeight } = element;
    const elsewhere = last.current.place !== place;
    const near = last.current.height - scrollTop - clientHeight < NEAR_PX;
    if (elsewhere || near) element.scrollTop = scrollHeight;
    last.current = { place, height: scrollHeight };
  }, [grown, place]);
  return ref;
}
