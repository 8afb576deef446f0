// An appliance of its own for the tests in the browser: two tenants with people and documents.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const run = promisify(execFile);
const executable = process.env.TEST_EXECUTABLE;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const plant = fileURLToPath(new URL("../../assets/sample-plant/documents/", import.meta.url));
export const PHONE = { width: 360, height: 740 };
/** The password that everybody has who set one. */
export const PASSWORD = "a long enough passphrase 4711";
const TOLD_CHARACTERS = 3000;
/** What is open and what the appliances said, for whoever has to find out why a test failed. */
const contexts = new Set();
const logs = new Map();

/** A test. When it fails, what its pages showed and what the appliance logged is told; nothing stays open. */
export function test(name, body) {
  plainTest(name, async () => {
    try {
      await body();
    } catch (error) {
      for (const page of [...contexts].flatMap((context) => context.pages())) {
        const text = await page.locator("body").innerText({ timeout: 5000 }).catch(String);
        console.log(`\n${page.url()} showed:\n${text.slice(0, TOLD_CHARACTERS)}`);
      }
      for (const log of logs.values()) console.log(`\nThe appliance logged:\n${log.slice(-TOLD_CHARACTERS)}`);
      throw error;
    } finally {
      await Promise.all([...contexts].map((context) => context.close()));
    }
  });
}

/** Starts it; `people` by e-mail have `tenant`, `role` and their present `password`. */
export async function startAppliance() {
  assert.ok(executable, "TEST_EXECUTABLE names the built executable");
  const directory = mkdtempSync(join(tmpdir(), "millwright-browser-"));
  const data = join(directory, "data");
  const millwright = async (...args) => {
    const { stdout } = await run(executable, [...args, "--data-dir", data, "--json"]);
    return stdout ? JSON.parse(stdout) : null;
  };
  const people = {};
  const made = await millwright("init", "--tenant", "plant", "--admin", "admin@plant.example");
  people["admin@plant.example"] = { tenant: "plant", role: "admin", password: made.administrator.one_time_password };
  const add = async (tenant, email, role, clearance = "INTERNAL") => {
    const user = await millwright(
      "user", "add", email, "--name", `${role} of ${tenant}`, "--role", role, "--clearance", clearance, "--tenant", tenant,
    );
    people[email] = { tenant, role, password: user.one_time_password };
  };
  await add("plant", "operator@plant.example", "operator");
  await add("plant", "viewer@plant.example", "viewer", "PUBLIC");
  await millwright("tenant", "create", "joinery");
  await add("joinery", "admin@joinery.example", "admin");
  const ingest = (tenant, path, key, ...more) => millwright("ingest", path, "--tenant", tenant, "--key", key, ...more);
  await ingest("plant", note(directory, "pump.md", "# Pump note\n\n## Values\n\nThe coupling gap of pump P-7 is 3 mm.\n"), "PN-7");
  await ingest("plant", join(plant, "rauental/mm-ps1-001-maintenance-manual.pdf"), "MM-PS1-001");
  await ingest("plant", join(plant, "rauental/qa-ver-012-verschlussdrehmoment.docx"), "QA-VER-012", "--classification", "PUBLIC");
  await ingest("joinery", note(directory, "saw.md", "# Saw\n\nThe riving knife gap of saw S-1 is 5 mm.\n"), "SAW-1");

  const serve = (listen, more) =>
    spawn(executable, ["serve", "--data-dir", data, "--listen", listen], {
      env: { ...process.env, MILLWRIGHT_LOG_FORMAT: "json", ...more },
      stdio: ["ignore", "ignore", "pipe"],
    });
  let server = serve("127.0.0.1:0");
  const url = await readyUrl(server);
  return {
    url,
    people,
    directory,
    /** A command of the program on the same data directory; resolves with what it prints. */
    millwright,
    /** A request as the operator at the machine. */
    console: (method, path, body) => atConsole(join(data, "run", "console.sock"), method, path, body),
    /** Ends it as a power cut would. */
    kill: async () => {
      const ended = once(server, "exit");
      server.kill("SIGKILL");
      await ended;
    },
    /** Starts it again at the same address, with more variables of the environment. */
    start: async (more) => {
      server = serve(new URL(url).host, more);
      await readyUrl(server);
    },
    stop: () => {
      server.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A JSON request over the console's socket; resolves with status and body. */
function atConsole(socketPath, method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/json" };
    const sent = request({ socketPath, method, path, headers }, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode, body: text ? JSON.parse(text) : null }));
    });
    sent.on("error", reject);
    sent.end(body ? JSON.stringify(body) : undefined);
  });
}

/**
 * A language model for the tiers that are named, brought in over the console. It is small and made of
 * random weights, so what it writes is noise in the shapes that are asked for: the path is what counts.
 */
export async function bringModel(appliance, name = "Cogwheel", tiers = ["light", "standard"]) {
  const file = await makeModel(appliance.directory, name);
  await appliance.millwright("model", "import", file);
  for (const tier of tiers) await appliance.millwright("model", "assign", tier, name);
}

/** Writes a model of random weights, of a shape that the maker knows; resolves with the path of its file. */
export async function makeModel(directory, name, shape = "long") {
  const maker = process.env.TEST_MODEL_MAKER;
  assert.ok(maker, "TEST_MODEL_MAKER names the built example tiny_model");
  const file = join(directory, `${name}.gguf`);
  await run(maker, [shape, name, file]);
  return file;
}

/** Writes a file to be read or uploaded. */
export function note(directory, name, text) {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

function readyUrl(server) {
  return new Promise((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (chunk) => {
      log += chunk;
      logs.set(server.pid, log);
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
}

export const startBrowser = () =>
  chromium.launch({
    executablePath: process.env.TEST_BROWSER || "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });

/**
 * A page whose every request is noted. What leaves the origin, what the content security policy
 * refuses, what is thrown and what is logged as an error are faults.
 */
export async function open(browser, url, { path = "/", ...options } = {}) {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale: "en",
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  contexts.add(context);
  context.on("close", () => contexts.delete(context));
  const page = await context.newPage();
  const faults = [];
  page.on("request", (request) => {
    const there = request.url();
    if (!there.startsWith(url) && !there.startsWith(`blob:${url}`)) faults.push(`left the origin: ${there}`);
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    // A browser logs every answer of 4xx, whether or not the page expects it.
    const expected = /the server responded with a status of 4\d\d/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !expected) faults.push(message.text());
  });
  await page.goto(url + path);
  return { context, page, faults };
}

/** Fails on any violation of axe-core's rules, in light and in dark. */
export async function assertAccessible(page, what) {
  // Evaluated by the debugger, so the page's own content security policy stays in force.
  await page.evaluate(axe);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // The new colours are there with the next picture.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const found = await page.evaluate(() => globalThis.axe.run());
    const violations = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html)}`);
    assert.deepEqual(violations, [], `${what}, ${colorScheme}`);
  }
}

export async function assertNoSidewaysScroll(page, what) {
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.equal(overflow, 0, `${what} scrolls sideways`);
}

/** Accessible, and no wider than a phone. */
export async function assertSound(page, what) {
  await assertAccessible(page, what);
  const size = page.viewportSize();
  await page.setViewportSize(PHONE);
  await assertNoSidewaysScroll(page, what);
  await page.setViewportSize(size);
}

/** Fills the form in; nothing follows from it yet. */
export async function enter(page, person, email, password = person.password) {
  await page.locator("input[name=tenant]").fill(person.tenant);
  await page.locator("input[name=email]").fill(email);
  await page.locator("input[name=password]").fill(password);
  await page.locator("button[type=submit]").click();
}

/** Waits until everything that a page asks for is there. */
export const filled = (page) => page.locator("#main [role=status][aria-label]").first().waitFor({ state: "detached", timeout: 60_000 });

/** Signs in as far as the pages, with a password of one's own; `landing` is what shows then. */
export async function signIn(page, appliance, email, landing = "#question") {
  const person = appliance.people[email];
  await enter(page, person, email);
  if (person.password !== PASSWORD) {
    await page.locator("input[name=current_password]").fill(person.password);
    await page.locator("input[name=new_password]").fill(PASSWORD);
    await page.locator("button[type=submit]").click();
    person.password = PASSWORD;
  }
  await page.locator(landing).first().waitFor();
}

export async function ask(page, question) {
  await page.locator("#question").fill(question);
  await page.locator("form button[type=submit]").last().click();
}

/** Leaves a conversation for a new one, and waits until the old one's turns are gone: its composer looks the same. */
export async function newQuestion(page) {
  await page.getByRole("link", { name: "New question" }).click();
  await page.locator("article").first().waitFor({ state: "detached" });
}

/** What an authenticator app shows in a step of RFC 6238 after the present one. */
export function totp(secret, steps = 0) {
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
