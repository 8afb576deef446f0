// The page of a sealed appliance in a real browser: what it says, languages, a wrong passphrase, axe-core's
// rules, and the start page in its place once somebody has unsealed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const executable = process.env.TEST_EXECUTABLE;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const directory = mkdtempSync(join(tmpdir(), "millwright-sealed-"));
const data = join(directory, "data");
const words = "correct horse battery";

let server;
let url;
let browser;

/** Runs a command with something on its standard input. */
const millwright = (input, ...args) => new Promise((resolve, reject) => {
  const child = spawn(executable, [...args, "--data-dir", data], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`status ${code}`))));
  child.stdin.end(input);
});

before(async () => {
  assert.ok(executable, "TEST_EXECUTABLE names the built executable");
  await millwright(`${words}\n`, "init", "--tenant", "plant", "--admin", "a@plant.example",
    "--passphrase");
  server = spawn(executable, ["serve", "--data-dir", data, "--listen", "127.0.0.1:0"], {
    env: { ...process.env, MILLWRIGHT_LOG_FORMAT: "json" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  url = await new Promise((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (chunk) => {
      log += chunk;
      for (const line of log.split("\n")) {
        if (!line.includes("sealed: unseal")) continue;
        try {
          resolve(JSON.parse(line).url);
        } catch { /* the line is not whole yet */ }
      }
    });
    server.on("exit", () => reject(new Error(`the server ended: ${log}`)));
  });
  browser = await chromium.launch({
    executablePath: process.env.TEST_BROWSER || "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
});

after(async () => {
  await browser?.close();
  server?.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

test("it says that it is sealed, in three languages, and opens with the passphrase", async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en-US" });
  const page = await context.newPage();
  const foreign = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) foreign.push(request.url());
  });
  const refused = [];
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) refused.push(message.text());
  });
  await page.goto(url);
  const title = page.locator("h1");
  await title.filter({ hasText: "This appliance is sealed" }).waitFor();
  await page.selectOption("#language", "de");
  assert.equal(await title.textContent(), "Dieses Gerät ist versiegelt");
  await page.selectOption("#language", "cs");
  assert.equal(await title.textContent(), "Toto zařízení je zapečetěné");
  await page.selectOption("#language", "en");
  await page.locator("#passphrase").waitFor();
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  assert.deepEqual(violations.map((violation) => violation.id), []);

  await page.fill("#passphrase input", "not this one at all");
  await page.keyboard.press("Enter");
  await page.locator("#problem", { hasText: "The passphrase is wrong" }).waitFor();
  assert.equal(await page.inputValue("#passphrase input"), "", "it does not stay in the page");
  // The first mistake costs a second.
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await page.fill("#passphrase input", words);
  await page.keyboard.press("Enter");
  await page.locator("input[name=email]").waitFor();
  assert.deepEqual(foreign, []);
  assert.deepEqual(refused, []);
});
