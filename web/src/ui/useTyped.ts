import { useEffect, useRef, useState } from "react";
import { useSettled } from "./useSettled";

interface Options {
  /** Fewer characters would find nearly everything. */
  charactersMin?: number;
  settleMs?: number;
}

interface Typed {
  text: string;
  setText: (text: string) => void;
  /** Goes on with what stands there without waiting. */
  now: () => void;
}

/** What is being typed, and the address that follows it once somebody pauses. */
export function useTyped(
  given: string | undefined,
  go: (words: string | undefined) => void,
  { charactersMin = 1, settleMs }: Options = {},
): Typed {
  const [text, setText] = useState(given ?? "");
  const settled = useSettled(text.trim(), settleMs);
  const told = useRef(given);
  const tell = (words: string) => {
    const next = words || undefined;
    if (next === told.current) return;
    told.current = next;
    go(next);
  };
  useEffect(() => {
    if (settled === "" || settled.length >= charactersMin) tell(settled);
    // Only what was typed leads.
  }, [settled]);
  useEffect(() => {
    // Somebody went back, came with other words, or cleared what was asked for.
    if (given === told.current) return;
    told.current = given;
    setText(given ?? "");
  }, [given]);
  return { text, setText, now: () => tell(text.trim()) };
}
