type Details = Record<string, unknown>;

/** Further details as lines of text: what is no text stands as JSON. */
export const linesOf = (details: Details): string =>
  Object.entries(details)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("\n");

/** A further detail as it is read: several things one after the other. */
export function said(value: unknown): string {
  if (typeof value === "string") return value;
  const several = Array.isArray(value) && value.every((one) => ["string", "number"].includes(typeof one));
  return several ? value.join(", ") : JSON.stringify(value);
}

/**
 * The details that lines say, or the number of the first line that says none. A value that stood as
 * JSON before and was not touched stays what it was.
 */
export function detailsOf(text: string, before: Details): { details: Details } | { fault: number } {
  const details: Details = {};
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (!line) continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim();
    if (colon < 0 || !name) return { fault: index + 1 };
    const value = line.slice(colon + 1).trim();
    const was = before[name];
    details[name] = typeof was !== "string" && JSON.stringify(was) === value ? was : value;
  }
  return { details };
}

/** Whether two details say the same. */
export const sameDetails = (a: Details, b: Details): boolean => linesOf(a) === linesOf(b);
