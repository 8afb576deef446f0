// Puts a Brotli and a gzip form beside every file of the build that gets smaller by it; the
// executable embeds all of them and sends the one that the browser understands.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const compressible = /\.(js|mjs|css|html|svg|json)$/;

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !compressible.test(entry.name) || entry.name === "manifest.json") continue;
  const path = join(entry.parentPath, entry.name);
  const content = readFileSync(path);
  const forms = {
    br: brotliCompressSync(content, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
    }),
    gz: gzipSync(content, { level: 9 }),
  };
  for (const [suffix, form] of Object.entries(forms)) {
    if (form.length < content.length) writeFileSync(`${path}.${suffix}`, form);
  }
}
