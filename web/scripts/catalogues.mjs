// Fails on a string that is missing in a language, that nobody uses, or whose placeholders differ.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const LANGUAGES = ["en", "de", "cs"];
const PLURAL = /_(zero|one|two|few|many|other)$/;
const source = fileURLToPath(new URL("../src", import.meta.url));
const faults = [];

function flatten(node, prefix = "", into = new Map()) {
  for (const [name, value] of Object.entries(node)) {
    const key = prefix ? `${prefix}.${name}` : name;
    if (typeof value === "string") into.set(key, value);
    else flatten(value, key, into);
  }
  return into;
}

/** What is loaded first, and what other pages need beside it. */
const PARTS = ["i18n", "i18n/more", "i18n/agents", "i18n/work", "i18n/models"];
const catalogues = Object.fromEntries(
  LANGUAGES.map((tag) => {
    const whole = new Map();
    for (const part of PARTS) {
      for (const [key, text] of flatten(JSON.parse(readFileSync(join(source, part, `${tag}.json`), "utf8")))) {
        if (whole.has(key)) faults.push(`${tag}: ${key} stands in two catalogues`);
        whole.set(key, text);
      }
    }
    return [tag, whole];
  }),
);
/** Key without its plural form → the forms there are, by language. */
const stems = {};
for (const [tag, catalogue] of Object.entries(catalogues)) {
  for (const [key, text] of catalogue) {
    if (!text.trim()) faults.push(`${tag}: ${key} is empty`);
    const stem = key.replace(PLURAL, "");
    ((stems[stem] ??= {})[tag] ??= []).push([key.match(PLURAL)?.[1] ?? null, text]);
  }
}
const placeholders = (text) => [...text.matchAll(/\{\{(\w+)/g)].map((m) => m[1]).sort().join();
for (const [stem, byTag] of Object.entries(stems)) {
  for (const tag of LANGUAGES) {
    const forms = byTag[tag];
    if (!forms) {
      faults.push(`${tag}: ${stem} is missing`);
      continue;
    }
    if (forms[0][0] !== null) {
      const wanted = new Intl.PluralRules(tag).resolvedOptions().pluralCategories;
      const there = forms.map(([form]) => form);
      for (const form of wanted) if (!there.includes(form)) faults.push(`${tag}: ${stem}_${form} is missing`);
    }
    // Singular forms may leave the number out.
    const wanted = placeholders(byTag.en?.at(-1)?.[1] ?? "");
    const found = placeholders(forms.at(-1)[1]);
    if (wanted !== found) faults.push(`${tag}: ${stem} has the placeholders ${found}, not ${wanted}`);
  }
}

const code = readdirSync(source, { recursive: true })
  .filter((name) => /\.tsx?$/.test(name) && !name.includes(".test.") && !name.endsWith("schema.ts"))
  .map((name) => readFileSync(join(source, name), "utf8"))
  .join("\n");
const literals = new Set([...code.matchAll(/["`]([a-z][\w]*(?:\.[\w]+)+)["`]/g)].map((m) => m[1]));
const prefixes = [...code.matchAll(/`([a-z][\w]*(?:\.[\w]+)*\.)\$\{/g)].map((m) => m[1]);
for (const stem of Object.keys(stems)) {
  const used = literals.has(stem) || prefixes.some((prefix) => stem.startsWith(prefix));
  if (!used) faults.push(`${stem} is used nowhere`);
}
const called = [...code.matchAll(/\bt\(\s*"([^"]+)"/g)].map((m) => m[1]);
for (const key of called) if (!(key in stems)) faults.push(`${key} is in no catalogue`);

if (faults.length) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log(`web: ${Object.keys(stems).length} strings in ${LANGUAGES.length} languages`);
