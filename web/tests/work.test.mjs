// Workflows, plans and memories in a real browser, with a model whose words are noise.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import {
  PHONE, assertAccessible, assertNoSidewaysScroll, assertSound, bringModel, filled, open, signIn, startAppliance, startBrowser, test,
} from "./support.mjs";

let appliance;
let browser;

before(async () => {
  appliance = await startAppliance();
  await bringModel(appliance);
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  appliance?.stop();
});

/** A model's work on a machine that has other things to do. */
const WORK_MS = 300_000;
const visit = (options) => open(browser, appliance.url, options);

/** A request that the page itself makes, in the name of whoever is signed in. */
async function call(page, method, path, body) {
  const answer = await page.evaluate(
    async ([method, path, body]) => {
      const headers = { "Content-Type": "application/json" };
      const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
      return { status: response.status, body: await response.json().catch(() => null) };
    },
    [method, path, body],
  );
  assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer)}`);
  return answer.body;
}

/** A workflow without a model: a note, somebody who lets it out, and what comes of it. */
const NOTE = {
  name: "release_note",
  title: "Release a note",
  step: {
    kind: "pipeline",
    id: "all",
    steps: [
      { kind: "value", id: "note", value: { text: "The coupling gap of P-7 is 3 mm.", pages: [1, 2] } },
      { kind: "gate", id: "release", ask: "May this note be given out?", show: "${steps.note}" },
      { kind: "value", id: "result", value: "Given out: ${steps.note.text}" },
    ],
  },
};
const startNote = (page) => call(page, "POST", "/api/v1/workflows/runs", { definition: NOTE, input: {} });

test("a workflow is started from its form with the keyboard, followed and cancelled", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  await page.goto(`${appliance.url}/agents/workflows`);
  await page.getByText("Nothing was run yet.").waitFor();
  await assertSound(page, "workflows");
  const begin = page.getByRole("button", { name: "Start: Compare documents on one question" });
  await begin.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Compare documents on one question" });
  await dialog.getByText("What will be done").click();
  await dialog.getByText("Side by side", { exact: true }).waitFor();
  await assertSound(page, "form of a workflow");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await begin.press("Enter");

  // What the browser lets through and the appliance does not is told at its field.
  await dialog.getByLabel("Question").fill("  ");
  await dialog.getByLabel("Entry 1").fill("PN-7");
  await dialog.getByLabel("Entry 2").fill("MM-PS1-001");
  await dialog.getByRole("button", { name: "Add another" }).press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.name), "input.documents[2]");
  await dialog.getByRole("button", { name: "Remove entry 3" }).click();
  await dialog.getByRole("button", { name: "Start", exact: true }).click();
  await dialog.getByRole("alert").waitFor();
  assert.equal(await dialog.getByLabel("Question").getAttribute("aria-invalid"), "true");
  assert.equal(await page.evaluate(() => document.activeElement.name), "input.question");
  await assertSound(page, "form of a workflow with a fault");
  await dialog.getByLabel("Question").fill("What is the coupling gap of pump P-7?");
  await dialog.getByRole("button", { name: "Start", exact: true }).click();

  await page.getByRole("heading", { name: "Steps" }).waitFor();
  await page.locator("[data-state=running]", { hasText: "Reading 1" }).waitFor({ timeout: WORK_MS });
  await assertSound(page, "run under way");
  // It would take its time.
  await page.getByRole("button", { name: "Cancel the run" }).click();
  const sure = page.getByRole("dialog", { name: "Cancel this run?" });
  await assertSound(page, "cancelling a run");
  await sure.getByRole("button", { name: "Cancel the run" }).click();
  await page.locator("header").getByText(/^(Cancelled|Done|Failed)$/).waitFor({ timeout: WORK_MS });
  await page.getByRole("link", { name: "All workflows" }).click();
  await page.getByRole("link", { name: /Compare documents on one question/ }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a step of the model tells its time and its tokens, and what it gave", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  const step = { kind: "prompt", id: "few_words", instructions: "Say something.", max_tokens: 16 };
  const run = await call(page, "POST", "/api/v1/workflows/runs", { definition: { name: "talk", title: "Talk", step }, input: {} });
  await page.goto(`${appliance.url}/agents/workflows/runs/${run.id}`);
  const row = page.locator("[data-state=done]", { hasText: "Few words" });
  await row.getByText(/^Done · .+ · \d+ tokens$/).waitFor({ timeout: WORK_MS });
  await row.getByText("What it gave").click();
  await assertSound(page, "run that has ended");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a run that waits shows exactly what is decided, and goes on live with the decision", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  const [approved, rejected, cancelled] = [await startNote(page), await startNote(page), await startNote(page)];
  await page.goto(`${appliance.url}/agents/workflows/runs/${approved.id}`);
  const gate = page.getByRole("region", { name: "May this note be given out?" });
  await gate.getByText("The coupling gap of P-7 is 3 mm.").waitFor();
  await page.locator("[data-state=waiting]", { hasText: "Release" }).waitFor();
  const { waiting } = await call(page, "GET", `/api/v1/workflows/runs/${approved.id}`);
  assert.equal((await gate.locator("code").innerText()).replaceAll(/\s/g, ""), waiting[0].digest);
  await assertSound(page, "gate");
  await gate.getByLabel("Reason").fill("read and checked");
  await gate.getByRole("button", { name: "Approve" }).click();
  await page.getByText("Given out: The coupling gap of P-7 is 3 mm.").first().waitFor({ timeout: 30_000 });
  await gate.waitFor({ state: "detached" });
  await assertSound(page, "run that was let through");

  // Somebody else decides: the page knows without being asked.
  await page.goto(`${appliance.url}/agents/workflows/runs/${rejected.id}`);
  await gate.waitFor();
  const shown = (await call(page, "GET", `/api/v1/workflows/runs/${rejected.id}`)).waiting[0];
  await call(page, "POST", `/api/v1/workflows/runs/${rejected.id}/decide`, {
    step: shown.step, digest: shown.digest, decision: "rejected", reason: "the unit is missing",
  });
  await page.getByText("Somebody rejected it").first().waitFor({ timeout: 30_000 });
  await page.getByText("the unit is missing").first().waitFor();
  await page.locator("[data-state=not_reached]", { hasText: "Result" }).waitFor();

  await page.goto(`${appliance.url}/agents/workflows/runs/${cancelled.id}`);
  await gate.waitFor();
  await page.getByRole("button", { name: "Cancel the run" }).click();
  await page.getByRole("dialog", { name: "Cancel this run?" }).getByRole("button", { name: "Cancel the run" }).click();
  await page.getByText("Cancelled", { exact: true }).waitFor({ timeout: 30_000 });

  // Page by page: the list goes on where it ended.
  await page.route("**/api/v1/workflows/runs?*", (route) => route.continue({ url: route.request().url().replace("limit=20", "limit=2") }));
  await page.getByRole("link", { name: "All workflows" }).click();
  const rows = page.getByRole("link", { name: /Release a note/ });
  await rows.nth(1).waitFor();
  assert.equal(await rows.count(), 2);
  await page.getByRole("button", { name: "Show more" }).click();
  await rows.nth(2).waitFor();
  await page.unroute("**/api/v1/workflows/runs?*");
  assert.deepEqual(faults, []);
  await context.close();

  // Who may only look starts nothing and sees nobody else's runs.
  const viewer = await visit();
  await signIn(viewer.page, appliance, "viewer@plant.example");
  await viewer.page.goto(`${appliance.url}/agents/workflows`);
  await viewer.page.getByText("Nothing was run yet.").waitFor();
  assert.equal(await viewer.page.getByRole("button", { name: /^Start/ }).count(), 0);
  await viewer.page.goto(`${appliance.url}/agents/workflows/runs/${approved.id}`);
  await viewer.page.getByText("There is no such run").waitFor();
  assert.deepEqual(viewer.faults, []);
  await viewer.context.close();
});

/** Listens for a response whose address ends so; resolves with a wait for the first of its data. */
async function firstDataOf(page, path) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  const streams = new Set();
  const came = new Promise((resolve) => {
    devtools.on("Network.responseReceived", ({ requestId, response }) => response.url.endsWith(path) && streams.add(requestId));
    devtools.on("Network.dataReceived", ({ requestId }) => streams.has(requestId) && resolve());
  });
  return () => came;
}

test("a run is followed through a restart of the appliance", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  const run = await startNote(page);
  const streamed = await firstDataOf(page, `/runs/${run.id}/events`);
  await page.goto(`${appliance.url}/agents/workflows/runs/${run.id}`);
  const gate = page.getByRole("region", { name: "May this note be given out?" });
  await gate.waitFor();
  // Nothing can be gone on from before something has come.
  await streamed();
  const resumed = page.waitForRequest(
    (request) => request.url().endsWith(`/runs/${run.id}/events`) && Boolean(request.headers()["last-event-id"]),
    { timeout: 60_000 },
  );
  await appliance.kill();
  await page.getByText("The appliance does not answer. Trying again").waitFor();
  await appliance.start();
  await resumed;
  await page.getByText("The appliance does not answer. Trying again").waitFor({ state: "detached", timeout: 30_000 });
  await gate.getByRole("button", { name: "Approve" }).click();
  await page.getByText("Given out: The coupling gap of P-7 is 3 mm.").first().waitFor({ timeout: 30_000 });
  const unexpected = faults.filter((fault) => !/ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_SOCKET|ERR_INCOMPLETE/.test(fault));
  assert.deepEqual(unexpected, []);
  await context.close();
});

/** A goal whose plan is brought along: a model of noise makes none that is valid. */
const GOAL = "Find out how long P-7 may run";
const TASKS = [
  { id: "hours", title: "Add the running hours", kind: "tool", with: "calculate", arguments: { expression: "12*24*30" }, after: [] },
  { id: "days", title: "Add the days", kind: "tool", with: "calculate", arguments: { expression: "12*30" }, after: [] },
  { id: "sure", title: "Is the shutdown still in October?", kind: "ask", task: "Is the autumn shutdown still in October?", after: ["hours"] },
];

/** States a goal in the form; the tasks go along with what the form sends. */
async function makePlan(page) {
  await page.route("**/api/v1/plans", (route) => {
    if (route.request().method() !== "POST") return route.continue();
    return route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), tasks: TASKS }) });
  });
  await page.goto(`${appliance.url}/agents/plans`);
  await page.getByLabel("What is to be reached?").fill(GOAL);
  await page.getByText("Limits", { exact: true }).click();
  await page.getByLabel("Tokens at most").fill("10");
  await page.getByRole("button", { name: "Make a plan" }).click();
  await page.getByRole("alert").getByText(/the plan may need up to/).waitFor();
  await assertSound(page, "goal with a budget that is too small");
  await page.getByLabel("Tokens at most").fill("");
  await page.getByLabel("Time from the approval").selectOption({ label: "8 hours" });
  await page.getByRole("button", { name: "Make a plan" }).click();
  await page.getByRole("button", { name: "Approve and begin" }).waitFor();
  await page.unroute("**/api/v1/plans");
  return new URL(page.url()).pathname.split("/").at(-1);
}

test("a plan is shown as a picture and as a list, approved as it was shown, and carried out", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  const id = await makePlan(page);
  await page.getByRole("img", { name: /^Picture of the plan: 3 tasks, stages: 2/ }).waitFor();
  await page.getByText("Asks a person · after 1").waitFor();
  await page.getByText("8 hours").first().waitFor();
  const plan = await call(page, "GET", `/api/v1/plans/${id}`);
  assert.ok((await page.getByText("You approve exactly this plan").innerText()).replaceAll(/\s/g, "").endsWith(plan.digest));
  await assertSound(page, "plan that waits for approval");
  const sent = page.waitForRequest((request) => request.url().endsWith("/approve"));
  await page.getByRole("button", { name: "Approve and begin" }).click();
  assert.equal((await sent).postDataJSON().digest, plan.digest);

  const gate = page.getByRole("region", { name: "Is the autumn shutdown still in October?" });
  await gate.getByText("8640").first().waitFor({ timeout: WORK_MS });
  await assertSound(page, "plan that asks a person");
  await gate.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("heading", { name: "Report" }).waitFor({ timeout: WORK_MS });
  await page.getByText(/^Approved by /).waitFor();
  await assertSound(page, "plan that was carried out");
  await page.getByRole("link", { name: "The run in all its steps" }).click();
  await page.locator("[data-state=done]", { hasText: /^Hours/ }).waitFor();
  await page.goto(`${appliance.url}/agents/plans`);
  await page.getByRole("link", { name: GOAL }).waitFor();
  await assertSound(page, "plans");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a plan is rejected with a reason, decided once, and made anew in plain sight", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  const id = await makePlan(page);
  await page.getByRole("button", { name: "Reject" }).click();
  const dialog = page.getByRole("dialog", { name: "Reject the plan" });
  await dialog.getByLabel("Reason").fill("the shutdown was moved");
  await assertSound(page, "rejecting a plan");
  await dialog.getByRole("button", { name: "Reject" }).click();
  await page.getByText(/^Rejected by /).waitFor();
  await page.getByText("the shutdown was moved").waitFor();
  assert.equal(await page.getByRole("button", { name: "Approve and begin" }).count(), 0);
  assert.equal((await call(page, "GET", `/api/v1/plans/${id}`)).state, "rejected");

  // Decided elsewhere meanwhile: it is said, and what there is now is shown.
  const other = await makePlan(page);
  await call(page, "POST", `/api/v1/plans/${other}/reject`, { reason: "twice the same" });
  await page.getByRole("button", { name: "Approve and begin" }).click();
  await page.getByText("twice the same").waitFor();

  // A further version of a plan that failed, as the appliance tells it.
  const third = await makePlan(page);
  await page.route(`**/api/v1/plans/${third}`, async (route) => {
    const response = await route.fetch();
    return route.fulfill({ response, json: { ...(await response.json()), version: 2 } });
  });
  await page.reload();
  await page.getByText("This plan was made anew: version 2").waitFor();
  await page.getByText("If it fails it is not made anew again.").waitFor();
  await assertSound(page, "plan that was made anew");
  assert.deepEqual(faults, []);
  await context.close();
});

test("what agents remember is allowed, added, found, corrected, taken along and forgotten", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "viewer@plant.example");
  await page.goto(`${appliance.url}/agents/memories`);
  await page.getByText("You have not allowed it.").waitFor();
  await page.getByText("Nothing is remembered.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Add", exact: true }).count(), 0);
  await assertSound(page, "memories without consent");
  await page.getByRole("button", { name: "Allow it" }).click();
  await page.getByText("You have allowed it.").waitFor();
  const dialog = page.getByRole("dialog");
  for (const [agent, kind, text] of [
    ["Maintenance advisor", "Fact", "Looks after the Kühlwasser pumps."],
    ["Generalist", "Preference", "Likes answers as short lists."],
  ]) {
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await dialog.getByLabel("Agent").selectOption({ label: agent });
    await dialog.getByLabel("Kind").selectOption({ label: kind });
    await dialog.getByLabel("What is to be remembered").fill(text);
    if (kind === "Fact") {
      // Above the person's own clearance nothing is taken.
      await dialog.getByLabel("Classification").selectOption({ label: "Restricted" });
      await dialog.getByRole("button", { name: "Have it remembered" }).click();
      await dialog.getByRole("alert").waitFor();
      assert.equal(await dialog.getByLabel("Classification").getAttribute("aria-invalid"), "true");
      await assertSound(page, "memory with a fault");
      await dialog.getByLabel("Classification").selectOption({ label: "Public" });
    }
    await dialog.getByRole("button", { name: "Have it remembered" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText(text).waitFor();
  }
  await assertSound(page, "memories");

  // The appliance searches: here one memory is a page, and the first does not fit.
  const searched = [];
  await page.route("**/api/v1/me/memories?*", async (route) => {
    const url = new URL(route.request().url());
    searched.push(url.searchParams.get("text"));
    url.searchParams.set("limit", "1");
    await route.continue({ url: url.href });
  });
  await page.getByLabel("Search", { exact: true }).pressSequentially("KÜHLWASSER pumps");
  await page.getByText("Likes answers as short lists.").waitFor({ state: "detached" });
  await page.getByText("Looks after the Kühlwasser pumps.").waitFor();
  assert.deepEqual(searched, ["KÜHLWASSER pumps"]);
  await page.unroute("**/api/v1/me/memories?*");
  await page.reload();
  await page.getByText("Looks after the Kühlwasser pumps.").waitFor();
  assert.equal(await page.getByText("Likes answers as short lists.").count(), 0);
  assert.equal(await page.getByLabel("Search", { exact: true }).inputValue(), "KÜHLWASSER pumps");
  await page.getByLabel("Search", { exact: true }).fill("no such words");
  await page.getByRole("status").filter({ hasText: "Nothing that is remembered fits." }).waitFor();
  await assertSound(page, "memories without a match");
  await page.getByLabel("Search", { exact: true }).fill("");
  await page.getByText("Likes answers as short lists.").waitFor();
  await page.getByLabel("Agent", { exact: true }).selectOption({ label: "Generalist" });
  await page.getByText("Looks after the Kühlwasser pumps.").waitFor({ state: "detached" });
  assert.equal(new URL(page.url()).searchParams.get("agent"), "generalist");
  assert.equal(new URL(page.url()).searchParams.get("text"), null);
  await page.getByLabel("Search", { exact: true }).fill("Short LISTS");
  await page.waitForURL(/agent=generalist.*text=Short/);
  await page.getByText("Likes answers as short lists.").waitFor();
  await page.getByLabel("Search", { exact: true }).fill("");
  await page.getByLabel("Kind").selectOption({ label: "Event" });
  await page.getByText("Nothing that is remembered fits.").waitFor();
  await page.getByLabel("Kind").selectOption({ label: "Every kind" });

  await page.getByRole("button", { name: "Change: Likes answers as short lists." }).click();
  await dialog.getByLabel("What is to be remembered").fill("Likes answers as lists with page numbers.");
  await dialog.getByLabel("Importance").selectOption("5");
  await dialog.getByLabel("Forgotten after").fill("2031-12-31");
  await assertSound(page, "change of a memory");
  await dialog.getByRole("button", { name: "Save" }).click();
  const row = page.getByRole("listitem").filter({ hasText: "with page numbers" });
  await row.getByText(/until Dec 31, 2031/).waitFor();
  await row.getByRole("img", { name: "Importance 5 of 5" }).waitFor();

  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  const taken = JSON.parse(readFileSync(await (await download).path(), "utf8"));
  assert.deepEqual(taken.map(({ text, importance }) => [text, importance]), [
    ["Likes answers as lists with page numbers.", 5],
    ["Looks after the Kühlwasser pumps.", 3],
  ]);
  await page.getByRole("button", { name: "Tidy up" }).click();
  await page.getByText("There was nothing to forget.").waitFor();
  await row.getByRole("button", { name: /^Forget: / }).click();
  await assertSound(page, "forgetting a memory");
  await dialog.getByRole("button", { name: "Forget" }).click();
  await row.waitFor({ state: "detached" });
  await page.getByLabel("Agent", { exact: true }).selectOption({ label: "All agents" });
  await page.getByText("Looks after the Kühlwasser pumps.").waitFor();
  await page.getByRole("button", { name: "Forget everything" }).click();
  await assertSound(page, "forgetting everything");
  await dialog.getByRole("button", { name: "Forget" }).click();
  await page.getByText("1 memory was forgotten.").waitFor();
  await page.getByText("Nothing is remembered.").waitFor();

  await page.getByRole("button", { name: "No longer allow it" }).click();
  await assertSound(page, "taking consent back");
  await dialog.getByRole("button", { name: "No longer allow it" }).click();
  await page.getByText("You have not allowed it.").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("every language has its words for these pages, and room for them", async () => {
  const { context, page, faults } = await visit({ viewport: PHONE });
  await signIn(page, appliance, "operator@plant.example");
  const run = await startNote(page);
  for (const language of ["de", "cs"]) {
    await page.evaluate((tag) => localStorage.setItem("language", tag), language);
    for (const path of ["workflows", `workflows/runs/${run.id}`, "plans", "memories"]) {
      await page.goto(`${appliance.url}/agents/${path}`);
      await page.locator("#main h2").first().waitFor();
      await filled(page);
      const text = await page.locator("#main").innerText();
      assert.doesNotMatch(text, /\b(work|workflow|run|step|gate|plan|memory|consent|nav)(_\w+)?\.[a-z_]+\b/, `${language} ${path}`);
      await assertNoSidewaysScroll(page, `${language} ${path}`);
    }
    await page.goto(`${appliance.url}/agents/workflows`);
    await page.getByRole("button", { name: /^(Starten|Spustit): / }).nth(2).click();
    await page.getByRole("dialog").locator("textarea").waitFor();
    await assertAccessible(page, `form in ${language}`);
    await assertNoSidewaysScroll(page, `form in ${language}`);
  }
  assert.deepEqual(faults, []);
  await context.close();
});
