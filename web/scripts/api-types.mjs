// Writes the types of the API from the OpenAPI document that the http crate's tests keep in step
// with the route table: a route that changes breaks the compilation of the pages that use it.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const snapshot = new URL(
  "../../src/http/tests/snapshots/http__tests__table__openapi.snap",
  import.meta.url,
);
const target = new URL("../src/api/schema.ts", import.meta.url);

// An insta snapshot: a head between two lines of dashes, then the document.
const text = readFileSync(snapshot, "utf8");
const body = text.slice(text.indexOf("\n---\n", 4) + 5);
// A property with a default value may be left out.
const types = astToString(await openapiTS(JSON.parse(body), { defaultNonNullable: false }));
const source = `// Made by scripts/api-types.mjs from the appliance's OpenAPI document.\n${types}`;
if (!existsSync(target) || readFileSync(target, "utf8") !== source) writeFileSync(target, source);
