import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds an appliance. */
const appliance = process.env.APPLIANCE ?? "https://127.0.0.1:8443";
const proxied = { target: appliance, secure: false };

/**
 * What pdf.js asks for by name while it shows a page: the standard fonts that files may leave out,
 * and the JPEG 2000 decoder in the form that needs no WebAssembly. The version stands in the path,
 * so they can be kept for good like everything else.
 */
function pdfParts(): Plugin {
  const room = new URL("./node_modules/pdfjs-dist/", import.meta.url);
  const { version } = JSON.parse(readFileSync(new URL("package.json", room), "utf8")) as { version: string };
  const fonts = readdirSync(new URL("standard_fonts/", room)).map((name) => `standard_fonts/${name}`);
  const parts = [...fonts, "wasm/openjpeg_nowasm_fallback.js", "wasm/LICENSE_OPENJPEG", "LICENSE"];
  return {
    name: "pdf-parts",
    apply: "build",
    generateBundle() {
      for (const part of parts) {
        const name = part.split("/").at(-1) ?? part;
        const fileName = `assets/app/pdf-${version}/${name.startsWith("LICENSE") ? `${name}.txt` : name}`;
        this.emitFile({ type: "asset", fileName, source: readFileSync(new URL(part, room)) });
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), pdfParts()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    // `light-dark()` stays as it is: the tokens are built on it.
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    // The content security policy allows neither `data:` URLs nor inline scripts.
    assetsInlineLimit: 0,
    modulePreload: {
      polyfill: false,
      // What a page imports is mostly there already and otherwise one short way off; the lists of it
      // all would weigh more in the first load than they spare later. Styles must come before the page.
      resolveDependencies: (_, parts, { hostType }) =>
        hostType === "html" ? parts : parts.filter((part) => part.endsWith(".css")),
    },
    assetsDir: "assets/app",
    manifest: "manifest.json",
    // The notices of what is bundled, as its licences ask.
    license: { fileName: "assets/app/licenses.txt" },
    // pdf.js is one big file by nature; scripts/budget.mjs watches what is loaded first.
    chunkSizeWarningLimit: 2000,
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/v1", "/health", "/openapi.json", "/docs", "/problems", "/assets"].map((path) => [path, proxied]),
    ),
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    // Two cores are enough for tests of this size.
    maxWorkers: 2,
  },
});
