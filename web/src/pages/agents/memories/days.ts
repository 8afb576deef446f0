/** The day on which a moment falls here, as a date field writes it. */
export function dayOf(iso: string | null | undefined): string {
  if (!iso) return "";
  const date = new Date(iso);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/** The end of a day here: what expires on it is there that day still. */
export const endOf = (day: string): string => new Date(`${day}T23:59:59`).toISOString();
