// Language models and token budgets in a real browser.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before } from "node:test";
import {
  PHONE, assertAccessible, assertNoSidewaysScroll, assertSound, makeModel, note, open, signIn, startAppliance, startBrowser, test,
} from "./support.mjs";

const TRIAL_MS = 120_000;
let appliance;
let browser;

before(async () => {
  appliance = await startAppliance();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  appliance?.stop();
});

const visit = (options) => open(browser, appliance.url, options);

/** Signed in as somebody who administers the appliance too. */
async function visitAsAdministrator() {
  const visited = await visit();
  await signIn(visited.page, appliance, "admin@plant.example");
  const me = await visited.page.evaluate(async () => (await fetch("/api/v1/auth/me")).json());
  const body = { tenant_id: me.tenant_id, user_id: me.id };
  assert.equal((await appliance.console("POST", "/api/v1/appliance/administrators", body)).status, 204);
  return visited;
}

/** The part of a page below a heading. */
const section = (page, title) => page.locator("section", { has: page.getByRole("heading", { name: title, exact: true }) });

async function bring(page, file, name = "") {
  await page.locator("input[type=file]").setInputFiles(file);
  if (name) await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Bring a model in" }).click();
}

test("who administers a tenant alone sees no models", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "admin@joinery.example");
  await page.goto(`${appliance.url}/admin/models`);
  await page.getByText("You do not administer the appliance").waitFor();
  assert.equal(await page.locator("input[type=file]").count(), 0);
  await assertSound(page, "no models");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a model is brought in, tried, assigned, verified, and removed once nothing needs it", async () => {
  const { context, page, faults } = await visitAsAdministrator();
  await page.goto(`${appliance.url}/admin/models`);
  await page.getByText("There are none yet.").waitFor();
  const elsewhere = section(page, "Models on other machines");
  await elsewhere.getByText("There are none. When generated text outgrows this machine").waitFor();
  await assertSound(page, "no model yet");

  await bring(page, note(appliance.directory, "junk.gguf", "no model at all"));
  await page.getByRole("alert").filter({ hasText: "is no GGUF file" }).waitFor();
  await assertSound(page, "refused file");

  const file = await makeModel(appliance.directory, "Cogwheel");
  let held;
  await page.route("**/api/v1/models*", (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    held = route;
  });
  await bring(page, file);
  await page.getByText(/Sending Cogwheel\.gguf|Checking Cogwheel\.gguf/).waitFor();
  await assertSound(page, "model on its way");
  // What is under way goes on beside other pages.
  await page.getByRole("navigation", { name: "Admin" }).getByRole("link", { name: "Health" }).click();
  await page.getByRole("heading", { name: "The appliance" }).waitFor();
  await page.getByRole("navigation", { name: "Admin" }).getByRole("link", { name: "Models" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("was cancelled").waitFor();
  // What is held is let go with the route, and might arrive before the browser has cancelled it.
  await held.abort().catch(() => {});
  await page.unroute("**/api/v1/models*");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("“Cogwheel” has arrived").waitFor();
  await page.getByText(/It fits: loaded, it takes .+ of memory/).waitFor();
  const row = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Cogwheel" }) });
  await row.getByText("Trial passed").waitFor({ timeout: TRIAL_MS });
  for (const fact of ["Architecture", "Licence", "Memory when loaded", "Context", "Writes"]) {
    await row.getByRole("term").filter({ hasText: fact }).waitFor();
  }
  assert.match(await row.innerText(), /tokens\/s/);
  assert.match(await row.innerText(), /SHA-256 [0-9a-f]{12}/);

  await bring(page, file);
  await page.getByRole("alert").filter({ hasText: "This very model is here already" }).waitFor();

  // By the keyboard alone.
  await page.getByLabel("Standard", { exact: true }).focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("Saved").waitFor();
  await row.getByText("Standard", { exact: true }).waitFor();
  await row.getByRole("button", { name: "Verify the file" }).click();
  await row.getByText("The file is the one that was brought in.").waitFor();
  await assertSound(page, "model that serves a tier");

  const dialog = page.getByRole("dialog");
  await row.getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("alert").filter({ hasText: "The model is in use" }).waitFor();
  await assertAccessible(page, "model in use");
  await page.keyboard.press("Escape");
  await row.getByRole("button", { name: "Measure again" }).click();
  await row.getByText(/Waits for its trial|Being tried/).waitFor();
  await row.getByText("Trial passed").waitFor({ timeout: TRIAL_MS });
  await page.getByLabel("Standard", { exact: true }).selectOption({ label: "No model" });
  await page.getByRole("button", { name: "Save Standard" }).click();
  await row.getByText("Standard", { exact: true }).waitFor({ state: "detached" });
  await row.getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.getByText("There are none yet.").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("models that find texts are assigned to that, and to nothing else", async () => {
  const { context, page, faults } = await visitAsAdministrator();
  await page.goto(`${appliance.url}/admin/models`);
  for (const [shape, name] of [["embed", "Compass"], ["rerank", "Scales"]]) {
    await bring(page, await makeModel(appliance.directory, name, shape));
    const row = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });
    await row.getByText("Trial passed").waitFor({ timeout: TRIAL_MS });
    // It reads, and writes nothing.
    await row.getByRole("term").filter({ hasText: "Reads" }).waitFor();
    assert.equal(await row.getByRole("term").filter({ hasText: "Writes" }).count(), 0);
  }
  const choices = async (label) => (await page.getByLabel(label, { exact: true }).locator("option").allInnerTexts()).map((text) => text.trim());
  assert.deepEqual(await choices("Light"), ["No model"]);
  assert.deepEqual(await choices("Embedding"), ["The built-in embedder alone", "Compass"]);
  assert.deepEqual(await choices("Reranking"), ["No model: as they were found", "Scales"]);
  await page.getByLabel("Embedding", { exact: true }).selectOption({ label: "Compass" });
  await page.getByRole("button", { name: "Save Embedding" }).click();
  await page.getByText("Every tenant embeds its documents with it now").waitFor();
  await page.getByLabel("Reranking", { exact: true }).selectOption({ label: "Scales" });
  await page.getByRole("button", { name: "Save Reranking" }).click();
  await page.getByRole("heading", { name: "Scales" }).getByText("Reranking", { exact: true }).waitFor();
  await assertSound(page, "models that find texts");
  // The job shows how far it is, and what is found says who had a part.
  await page.goto(`${appliance.url}/admin/jobs`);
  const job = page.getByRole("listitem").filter({ hasText: "embedder" });
  await job.getByText("Done", { exact: true }).waitFor({ timeout: TRIAL_MS });
  const found = await page.evaluate(async () => {
    const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query: "flange bolts" }) };
    return (await fetch("/api/v1/search", options)).json();
  });
  assert.deepEqual([found.embedder, found.reranker], ["Compass", "Scales"]);
  await page.goto(`${appliance.url}/admin/models`);
  for (const [label, none] of [["Embedding", "The built-in embedder alone"], ["Reranking", "No model: as they were found"]]) {
    await page.getByLabel(label, { exact: true }).selectOption({ label: none });
    await page.getByRole("button", { name: `Save ${label}` }).click();
    await page.getByRole("heading", { name: label === "Embedding" ? "Compass" : "Scales" }).getByText(label, { exact: true }).waitFor({ state: "detached" });
  }
  const dialog = page.getByRole("dialog");
  for (const name of ["Compass", "Scales"]) {
    const row = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });
    await row.getByRole("button", { name: "Remove" }).click();
    await dialog.getByRole("button", { name: "Remove" }).click();
    await row.waitFor({ state: "detached" });
  }
  assert.deepEqual(faults, []);
  await context.close();
});

test("what does not fit into the memory is said in figures that people read", async () => {
  const { context, page, faults } = await visitAsAdministrator();
  await page.goto(`${appliance.url}/admin/models`);
  const problem = {
    type: "/problems/model_does_not_fit", code: "model_does_not_fit", status: 422, title: "x", request_id: "r-1",
    detail: "the model does not fit: weights of 42949672960 bytes; models may take 8589934592 bytes here",
  };
  await page.route("**/api/v1/models*", (route) =>
    route.request().method() === "POST"
      ? route.fulfill({ status: 422, contentType: "application/problem+json", body: JSON.stringify(problem) })
      : route.fallback(),
  );
  await bring(page, note(appliance.directory, "large.gguf", "GGUF"), "Large");
  const alert = page.getByRole("alert").filter({ hasText: "The memory has no room for the model" });
  await alert.filter({ hasText: "weights of 43 GB; models may take 8.6 GB here" }).waitFor();
  await assertSound(page, "model that does not fit");
  assert.deepEqual(faults, []);
  await context.close();
});

test("budgets are set with their faults told, and what is used shows", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "admin@plant.example");
  await page.goto(`${appliance.url}/admin/budgets`);
  await page.getByRole("img", { name: /^Chart: tokens/ }).locator("canvas").waitFor();
  await assertSound(page, "budgets");
  await page.getByLabel("Each person a day").fill("many");
  await page.getByLabel("The whole tenant a month").fill("2,000,000,000,000");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("A whole number of tokens is needed, or nothing.").waitFor();
  await page.getByText("At most 1,000,000,000,000 tokens.").waitFor();
  await assertSound(page, "faults of budgets");
  await page.getByLabel("Each person a day").fill("50 000");
  await page.getByLabel("The whole tenant a month").fill("");
  await page.getByLabel("The whole tenant a day").fill("1,000,000");
  await page.getByLabel("When a budget is used up").selectOption({ label: "Go on in the light tier, counted apart" });
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").waitFor();
  await page.getByText("of 1,000,000 tokens (0%)").waitFor();
  await page.reload();
  await page.getByLabel("Each person a day").waitFor();
  assert.equal(await page.getByLabel("Each person a day").inputValue(), "50,000");
  assert.equal(await page.getByLabel("When a budget is used up").inputValue(), "downgrade");

  // Half of it used and a part set aside: the bar and the words say so.
  await page.route("**/api/v1/admin/budgets", async (route) => {
    const answer = await (await route.fetch()).json();
    await route.fulfill({ json: { ...answer, tenant: { day: 500_000, month: 700_000, reserved: 20_000 } } });
  });
  const day = new Date().toISOString().slice(0, 10);
  const used = { requests: 3, prompt_tokens: 400_000, cached_tokens: 1, completion_tokens: 100_000, beyond_budget_tokens: 0 };
  await page.route("**/api/v1/admin/usage/tokens*", async (route) => {
    const group = new URL(route.request().url()).searchParams.get("group");
    const answer = await (await route.fetch()).json();
    await route.fulfill({ json: { ...answer, rows: [{ ...used, ...(group === "day" ? { day } : {}) }] } });
  });
  await page.reload();
  await page.getByText("of 1,000,000 tokens (50%)").waitFor();
  await page.getByText("20,000 set aside for what is being written").first().waitFor();
  await page.getByText("By person").click();
  await page.getByRole("rowheader", { name: "The appliance itself" }).waitFor();
  await assertSound(page, "used budgets");
  await page.goto(`${appliance.url}/me`);
  await page.getByText("of 50,000 tokens (0%)").waitFor();
  await page.setViewportSize(PHONE);
  await assertNoSidewaysScroll(page, "own budget");
  assert.deepEqual(faults, []);
  await context.close();
});

/** A server on this machine that has the models that are named; resolves with its port. */
async function startUpstream(models, key) {
  const server = createServer((asked, answer) => {
    const known = asked.headers.authorization === `Bearer ${key}` || !key;
    answer.writeHead(known ? 200 : 401, { "Content-Type": "application/json" });
    answer.end(JSON.stringify({ object: "list", data: models.map((id) => ({ id, object: "model" })) }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** The configuration of one upstream. */
const entry = (name, port, tiers) => `[[upstream]]
name = "${name}"
url = "http://127.0.0.1:${port}/v1"
model = "qwen2.5-7b"
tiers = ${JSON.stringify(tiers)}
context_tokens = 16384
`;

// The last one: from here on the appliance has a configuration.
test("models on other machines are shown with their tiers, and with why they do not answer", async () => {
  const [good, locked] = [await startUpstream(["qwen2.5-7b"]), await startUpstream([], "a key")];
  const gone = await startUpstream([]);
  const text = [
    entry("gpu-1", good.address().port, ["standard", "heavy"]),
    entry("gpu-2", locked.address().port, ["heavy"]),
    entry("gpu-3", gone.address().port, ["heavy"]),
  ].join("");
  gone.close();
  await appliance.kill();
  await appliance.start({ MILLWRIGHT_CONFIG: note(appliance.directory, "millwright.toml", text) });
  const { context, page, faults } = await visitAsAdministrator();
  await page.goto(`${appliance.url}/admin/models`);
  const elsewhere = section(page, "Models on other machines");
  const row = (name) => elsewhere.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });
  await row("gpu-1").getByText("Answers", { exact: true }).waitFor({ timeout: 20_000 });
  assert.match(await row("gpu-1").innerText(), /Standard[^]*Heavy[^]*qwen2\.5-7b[^]*16,384 tokens/);
  await row("gpu-2").getByText("It refuses the key", { exact: true }).waitFor({ timeout: 20_000 });
  await row("gpu-2").getByText("Compare the key in “api_key_file”").waitFor();
  await row("gpu-3").getByText("It can't be connected to", { exact: true }).waitFor({ timeout: 20_000 });
  await row("gpu-3").getByText("it can't be reached: connect_failed").waitFor();
  // Each tier says who else writes for it, and that they are elsewhere.
  const tiers = section(page, "Tiers").getByRole("listitem");
  const members = (tier) => tiers.filter({ has: page.getByLabel(tier, { exact: true }) }).getByRole("list", { name: "On other machines" });
  assert.match(await members("Standard").innerText(), /^gpu-1\s+Answers$/);
  assert.deepEqual((await members("Heavy").innerText()).match(/gpu-\d/g), ["gpu-1", "gpu-2", "gpu-3"]);
  assert.equal(await members("Light").count(), 0);
  await page.getByLabel("Light", { exact: true }).getByRole("option", { name: "No model", exact: true }).waitFor({ state: "attached" });
  await page.getByLabel("Heavy", { exact: true }).getByRole("option", { name: "No model of this machine" }).waitFor({ state: "attached" });
  await page.getByText("There are none on this machine.").waitFor();
  // Hashes unfold by the keyboard alone.
  await row("gpu-1").getByText(/^Receipts call it [0-9a-f]{12}…$/).focus();
  await page.keyboard.press("Enter");
  assert.match(await row("gpu-1").locator("code").innerText(), /^[0-9a-f]{64}$/);
  await assertSound(page, "models on other machines");
  for (const language of ["de", "cs"]) {
    await page.evaluate((tag) => localStorage.setItem("language", tag), language);
    await page.reload();
    await page.getByRole("heading", { name: "gpu-3" }).waitFor();
    assert.doesNotMatch(await page.locator("#main").innerText(), /\bmodels\.[a-z_.]+\b/);
    await assertSound(page, `models on other machines in ${language}`);
  }
  assert.deepEqual(faults, []);
  await context.close();
  for (const server of [good, locked]) server.close();
});
