import { useTranslation } from "@/i18n/useTranslation";

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;

export type Wording = "short" | "long";

/** A stretch of time in its two largest units: `3 min 5 sec`, or `3 minutes 5 seconds`. */
export function durationIn(language: string, ms: number, wording: Wording = "long"): string {
  const say = (value: number, unit: string, digits = 0) =>
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: wording, maximumFractionDigits: digits }).format(value);
  if (ms < 9950) return say(Math.max(ms, 0) / 1000, "second", 1);
  let left = Math.round(ms / 1000);
  const parts: string[] = [];
  for (const [unit, seconds] of UNITS) {
    const count = Math.floor(left / seconds);
    left -= count * seconds;
    if (count > 0) parts.push(say(count, unit));
    else if (parts.length) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** Stretches of time as the reader's language writes them. */
export function useDuration(): (ms: number, wording?: Wording) => string {
  const { i18n } = useTranslation();
  return (ms, wording) => durationIn(i18n.language === "none" ? "en" : i18n.language, ms, wording);
}

export const betweenMs = (from: string, to: string | number): number => new Date(to).getTime() - new Date(from).getTime();
