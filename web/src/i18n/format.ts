import { useTranslation } from "@/i18n/useTranslation";

const SIZE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

/** Dates, numbers and sizes as the reader's language writes them. */
export function formats(language: string) {
  const date = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  const number = new Intl.NumberFormat(language);
  const compact = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  return {
    date: (iso: string) => date.format(new Date(iso)),
    moment: (iso: string) => moment.format(new Date(iso)),
    /** A day in UTC, by any of its moments. */
    day: (unixMs: number) => day.format(unixMs),
    exact: (iso: string) => exact.format(new Date(iso)),
    number: (value: number) => number.format(value),
    /** A large number as one says it. */
    compact: (value: number) => compact.format(value),
    percent: (share: number) =>
      new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(share),
    bytes: (bytes: number) => {
      let step = 0;
      let value = bytes;
      while (value >= 1000 && step < SIZE_UNITS.length - 1) {
        value /= 1000;
        step += 1;
      }
      return new Intl.NumberFormat(language, {
        style: "unit",
        unit: SIZE_UNITS[step],
        unitDisplay: "short",
        maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
      }).format(value);
    },
    ago: (iso: string, now = Date.now()) => {
      const minutes = Math.round((new Date(iso).getTime() - now) / 60_000);
      if (Math.abs(minutes) < 60) return relative.format(minutes, "minute");
      const hours = Math.round(minutes / 60);
      if (Math.abs(hours) < 24) return relative.format(hours, "hour");
      const days = Math.round(hours / 24);
      return Math.abs(days) < 8 ? relative.format(days, "day") : date.format(new Date(iso));
    },
  };
}

export type Formats = ReturnType<typeof formats>;

const cache = new Map<string, Formats>();

/** The formats of the language that is spoken now. */
export function useFormats(): Formats {
  const { i18n } = useTranslation();
  const language = i18n.language === "none" ? "en" : i18n.language;
  let found = cache.get(language);
  if (!found) cache.set(language, (found = formats(language)));
  return found;
}
