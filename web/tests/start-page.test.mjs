// The start page in a real browser against a real appliance: signing in with a one-time password,
// setting one's own, asking, citations, refusal, languages, keyboard alone, and axe-core's rules.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const run = promisify(execFile);
const executable = process.env.TEST_EXECUTABLE;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const directory = mkdtempSync(join(tmpdir(), "millwright-browser-"));
const data = join(directory, "data");
const email = "tech@plant.example";
const ownPassword = "a long enough passphrase 4711";

let server;
let url;
let oneTimePassword;
let browser;

const millwright = async (...args) => {
  const { stdout } = await run(executable, [...args, "--data-dir", data, "--json"]);
  return JSON.parse(stdout);
};

before(async () => {
  assert.ok(executable, "TEST_EXECUTABLE names the built executable");
  const made = await millwright("init", "--tenant", "plant", "--admin", email);
  oneTimePassword = made.administrator.one_time_password;
  const note = join(directory, "pump.md");
  writeFileSync(note, "# Pump note\n\n## Values\n\nThe coupling gap of pump P-7 is 3 mm.\n");
  await millwright("ingest", note, "--tenant", "plant", "--key", "PN-7");
  server = spawn(executable, ["serve", "--data-dir", data, "--listen", "127.0.0.1:0"], {
    env: { ...process.env, MILLWRIGHT_LOG_FORMAT: "json" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  url = await new Promise((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (chunk) => {
      log += chunk;
      for (const line of log.split("\n")) {
        if (!line.includes('"ready"')) continue;
        try {
          resolve(JSON.parse(line).url);
        } catch {
          // Half a line; the rest comes.
        }
      }
    });
    server.on("exit", () => reject(new Error(log)));
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
  server?.kill();
  rmSync(directory, { recursive: true, force: true });
});

/** A page whose every request is noted; foreign ones fail the test. */
async function open(options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en", ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) faults.push(`left the origin: ${request.url()}`);
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !text.includes("status of 401")) faults.push(text);
  });
  await page.goto(url);
  return { context, page, faults };
}

async function assertAccessible(page, what) {
  // Evaluated by the debugger, so the page's own content security policy stays in force.
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run());
  const violations = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html)}`);
  assert.deepEqual(violations, [], what);
}

async function signIn(page, password) {
  await page.getByLabel("Tenant").fill("plant");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("from the one-time password to a cited answer and a refusal", async () => {
  const { context, page, faults } = await open();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await assertAccessible(page, "sign-in form");
  await signIn(page, "not the password at all");
  await page.getByRole("alert").waitFor();
  faults.length = 0;
  await signIn(page, oneTimePassword);
  await page.locator("#change").getByLabel("Present password").fill(oneTimePassword);
  await page.getByLabel("New password").fill(ownPassword);
  await assertAccessible(page, "password form");
  await page.getByRole("button", { name: "Set password" }).click();
  await page.getByLabel("Question").fill("What is the coupling gap of P-7?");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.locator(".answer", { hasText: "3 mm" }).waitFor();
  const source = page.locator("article li").first();
  assert.match(await source.innerText(), /PN-7[\s\S]*revision 1, page 1/);
  await assertAccessible(page, "answer");
  if (process.env.TEST_SCREENSHOTS) {
    await page.screenshot({ path: join(process.env.TEST_SCREENSHOTS, "answer.png") });
  }
  await page.getByLabel("Question").fill("Who won the chess championship in 1972?");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.locator("article").nth(1).waitFor();
  await page.waitForFunction(() => document.querySelectorAll("article").length === 2);
  await page.getByRole("status").filter({ hasText: /\S/ }).waitFor();
  assert.deepEqual(faults, []);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await context.close();
});

/** What an authenticator app shows in a step of RFC 6238 after the present one. */
function totp(secret, steps = 0) {
  const bits = [...secret.replace(/ /g, "")]
    .map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const digest = createHmac("sha1", key).update(counter).digest();
  const at = digest[19] & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

test("a second factor is set up from a picture and asked for at the next sign-in", async () => {
  const { context, page, faults } = await open();
  await signIn(page, ownPassword);
  await page.getByRole("button", { name: "Second factor" }).click();
  await page.locator("#enrol").getByLabel("Present password").fill(ownPassword);
  await assertAccessible(page, "enrolment");
  await page.getByRole("button", { name: "Begin" }).click();
  await page.locator("#qr svg path").first().waitFor();
  await assertAccessible(page, "QR code");
  if (process.env.TEST_SCREENSHOTS) {
    await page.screenshot({ path: join(process.env.TEST_SCREENSHOTS, "second-factor.png") });
  }
  const secret = await page.locator("#secret").innerText();
  await page.locator("#confirm").getByRole("textbox", { name: "Code" }).fill(totp(secret));
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByRole("heading", { name: "Keep these recovery codes" }).waitFor();
  await assertAccessible(page, "recovery codes");
  const codes = await page.locator("#codes li").allInnerTexts();
  assert.equal(codes.length, 10);
  await page.getByRole("button", { name: "I have written them down" }).click();
  await page.getByLabel("Question").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();

  await signIn(page, ownPassword);
  await page.getByRole("heading", { name: "Show your second factor" }).waitFor();
  await assertAccessible(page, "second factor");
  // A page that is loaded anew goes on where it was.
  await page.reload();
  await page.locator("#factor").getByLabel("Code").fill("000000");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("alert").waitFor();
  await page.locator("#factor").getByLabel("Code").fill(totp(secret, 1));
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("Question").waitFor();
  assert.deepEqual(faults.filter((fault) => !/status of 40[13]/.test(fault)), []);
  // The other tests sign in with the password alone.
  const gone = await page.evaluate(async () => {
    const answer = await fetch("/api/v1/auth/second-factor", { method: "DELETE" });
    return answer.status;
  });
  assert.equal(gone, 204);
  await context.close();
});

test("the page speaks German and Czech and works with the keyboard alone", async () => {
  const { context, page, faults } = await open({ locale: "de" });
  await page.getByRole("heading", { name: "Anmelden" }).waitFor();
  await assertAccessible(page, "German");
  await page.locator("#language").selectOption("cs");
  assert.equal(await page.locator("html").getAttribute("lang"), "cs");
  await page.locator("#language").selectOption("en");
  await page.locator("input[name=tenant]").focus();
  await page.keyboard.type("plant");
  await page.keyboard.press("Tab");
  await page.keyboard.type(email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(ownPassword);
  await page.keyboard.press("Enter");
  await page.locator("#question").waitFor();
  await page.keyboard.type("coupling gap P-7");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".answer", { hasText: "3 mm" }).waitFor();
  assert.deepEqual(faults.filter((fault) => !fault.includes("401")), []);
  await context.close();
});

test("the page fits a small tablet and the API page works offline", async () => {
  const { context, page, faults } = await open({ viewport: { width: 360, height: 640 } });
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.equal(overflow, 0, "the page scrolls sideways");
  await page.goto(`${url}/docs`);
  await page.locator(".opblock").first().waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});
