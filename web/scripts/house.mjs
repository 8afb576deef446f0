// The rules of the house that no compiler knows: short components, colours by token only, no
// styles or markup that the content security policy would refuse.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const COMPONENT_LINES_MAX = 150;
const FORBIDDEN = [
  [/dangerouslySetInnerHTML|\.innerHTML\b|insertAdjacentHTML/, "markup from text"],
  [/#[0-9a-f]{6}\b|\brgba?\(|\b(?:bg|text|border)-(?:red|blue|green|gray|slate|zinc|amber)-\d/, "a colour beside the tokens"],
  [/https?:\/\/(?!127\.0\.0\.1)/, "an address of another origin"],
  [/: any\b|as any\b|@ts-ignore/, "a hole in the types"],
];
const source = fileURLToPath(new URL("../src", import.meta.url));
const faults = [];
for (const name of readdirSync(source, { recursive: true })) {
  if (!/\.tsx?$/.test(name) || name.endsWith("schema.ts") || name.includes(".test.")) continue;
  const text = readFileSync(join(source, name), "utf8");
  const lines = text.split("\n").length - 1;
  if (name.endsWith(".tsx") && lines > COMPONENT_LINES_MAX) faults.push(`${name}: ${lines} lines`);
  for (const [pattern, what] of FORBIDDEN) {
    const found = text.match(pattern);
    if (found) faults.push(`${name}: ${what} (${found[0]})`);
  }
}
if (faults.length) {
  console.error(faults.join("\n"));
  process.exit(1);
}
