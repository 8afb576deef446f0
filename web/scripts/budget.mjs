// Fails when a load is larger than allowed: the entry, whatever it imports statically, its styles,
// the largest catalogue, and what the page needs. The sign-in is what is loaded first; the page for
// asking comes after it, and has a limit of its own.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LOADS = [
  { what: "sign-in", keys: ["src/pages/sign-in/SignInStep.tsx"], limit: 150_000 },
  { what: "asking", keys: ["src/app/Inside.tsx", "src/pages/ask/AskPage.tsx"], limit: 185_000 },
];

const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("manifest.json", dist), "utf8"));
const size = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;

function filesOf(key, into = new Set()) {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`${key} is not in the build: correct scripts/budget.mjs`);
  if (into.has(chunk.file)) return into;
  into.add(chunk.file);
  for (const style of chunk.css ?? []) into.add(style);
  for (const imported of chunk.imports ?? []) filesOf(imported, into);
  return into;
}

const catalogues = Object.keys(manifest).filter((key) => /^src\/i18n\/\w+\.json$/.test(key));
if (catalogues.length !== 3) throw new Error("the catalogues are not chunks of their own");
const catalogue = Math.max(...catalogues.map((key) => size(manifest[key].file)));
for (const { what, keys, limit } of LOADS) {
  const files = [...keys.reduce((into, key) => filesOf(key, into), filesOf("index.html"))];
  const sizes = files.map((file) => [size(file), file]).sort((a, b) => b[0] - a[0]);
  const total = sizes.reduce((sum, [bytes]) => sum + bytes, catalogue + size("index.html"));
  console.log(`web: ${what} loads ${total} bytes gzip of ${limit}`);
  if (total > limit || process.argv.includes("--list")) {
    for (const [bytes, file] of sizes) console.log(String(bytes).padStart(8), file);
  }
  if (total > limit) {
    console.error("the load is over its budget: load something lazily");
    process.exitCode = 1;
  }
}
