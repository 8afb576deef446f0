// JSON for people: indented lines without quotes and brackets. What a trace keeps of a result is cut to
// a length, so it may end anywhere.

/** A string with or without its end, a sign, or a word or number. */
const PIECES = /"((?:[^"\\]|\\.)*)"?|([{}[\],:])|[^"{}[\],:\s]+/g;
const BEGINS = /^\s*(?:\{\s*["}]|\[\s*["{[\]])/;
const ESCAPES: Record<string, string> = { n: "\n", t: "\t", r: "", b: "", f: "" };
const INDENT = "  ";

const unescaped = (inner: string): string =>
  inner.replace(/\\(?:u([\da-fA-F]{4})|(.))/g, (_, code: string | undefined, sign: string) =>
    code ? String.fromCharCode(Number.parseInt(code, 16)) : (ESCAPES[sign] ?? sign),
  );

/** How far in a line stands: one step for each object and each row of rows around it, but for the first. */
function marginOf(open: readonly string[]): string {
  const steps = open.filter((sign, at) => sign === "{" || open[at - 1] === "[");
  return INDENT.repeat(Math.max(steps.length - 1, 0));
}

/** `text` as lines to be read if it is JSON, whole or cut off; as it is otherwise. */
export function readable(text: string): string {
  if (!BEGINS.test(text)) return text;
  const lines: string[] = [];
  const open: string[] = [];
  let line = "";
  let before = "";
  const end = () => {
    if (line.trim()) lines.push(line.trimEnd());
    line = "";
  };
  const add = (part: string) => {
    const margin = marginOf(open);
    // A text of several lines stays where it began.
    line = (line || margin) + part.replaceAll("\n", `\n${margin}${INDENT}`);
  };
  for (const [piece, inner, sign] of text.matchAll(PIECES)) {
    const within = open.at(-1);
    if (sign === "{" || sign === "[") {
      if (sign === "{" || within === "[") end();
      if (sign === "{" && before === ",") lines.push("");
      open.push(sign);
    } else if (sign === "}" || sign === "]") {
      end();
      open.pop();
    } else if (sign === ",") {
      // What stands in a row is read in a row.
      if (within === "[" && line) line += ", ";
      else end();
    } else add(sign ? ": " : inner === undefined ? piece : unescaped(inner));
    before = sign ?? "";
  }
  end();
  return lines.join("\n");
}
