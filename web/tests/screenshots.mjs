// Writes pictures of every page, on a desktop and a phone, light and dark, into `screenshots/`.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { filled, ask, bringModel, open, signIn, startAppliance, startBrowser } from "./support.mjs";

const folder = fileURLToPath(new URL("../screenshots", import.meta.url));
const DEVICES = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 360, height: 740 }, hasTouch: true },
};
const PAGES = {
  documents: "/documents",
  search: "/search?q=torque",
  me: "/me",
  help: "/help",
  agents: "/agents",
  "agents-specialist": "/agents?agent=data_analyst",
  "agents-playground": "/agents/playground",
  "agents-council": "/agents/playground?tool=council",
  "agents-workflows": "/agents/workflows",
  "agents-plans": "/agents/plans",
  "agents-memories": "/agents/memories",
  "admin-users": "/admin/users",
  "admin-groups": "/admin/groups",
  "admin-keys": "/admin/keys",
  "admin-feedback": "/admin/feedback",
  "admin-tenants": "/admin/tenants",
  "admin-models": "/admin/models",
  "admin-budgets": "/admin/budgets",
  "admin-settings": "/admin/settings",
  "admin-jobs": "/admin/jobs",
  "admin-audit": "/admin/audit",
  "admin-audit-entry": "/admin/audit?entry=3",
  "admin-health": "/admin/health",
  "not-found": "/nowhere",
};

/** A model on a busy machine takes its time. */
const MODEL_MS = 180_000;

/** A run that waits for a person, a plan, and something that is remembered. */
const WORK = {
  run: ["POST", "/api/v1/workflows/runs", {
    definition: {
      name: "release_note",
      title: "Release a note",
      step: {
        kind: "pipeline",
        id: "all",
        steps: [
          { kind: "value", id: "note", value: { text: "The coupling gap of P-7 is 3 mm.", document: "PN-7" } },
          { kind: "gate", id: "release", ask: "May this note be given out?", show: "${steps.note}" },
        ],
      },
    },
    input: {},
  }],
  plan: ["POST", "/api/v1/plans", {
    goal: "Find out whether pump P-7 may run until the autumn shutdown, and what has to be checked until then",
    tasks: [
      { id: "gap", title: "Find the coupling gap and its limit", kind: "agent", with: "document_analyst", task: "What is the coupling gap of P-7, and its limit?" },
      { id: "faults", title: "Look for earlier faults", kind: "agent", with: "maintenance_advisor", task: "Which faults has P-7 had?" },
      { id: "hours", title: "Add the running hours", kind: "tool", with: "calculate", arguments: { expression: "12*24*30" } },
      { id: "date", title: "When is the shutdown?", kind: "ask", task: "When does the autumn shutdown begin?", after: ["hours"] },
      { id: "write", title: "Write the list of checks", kind: "agent", with: "procedure_expert", task: "Write what has to be checked.", after: ["gap", "faults", "date"] },
    ],
  }],
  consent: ["PUT", "/api/v1/me/memories/consent", { allowed: true }],
  memory: ["POST", "/api/v1/agents/generalist/memories", { kind: "preference", text: "Likes answers as short lists with page numbers.", importance: 4 }],
};

async function takeWork(page, take) {
  const made = {};
  for (const [name, request] of Object.entries(WORK)) {
    made[name] = await page.evaluate(async ([method, path, body]) => {
      const headers = { "Content-Type": "application/json" };
      return (await fetch(path, { method, headers, body: JSON.stringify(body) })).json();
    }, request);
  }
  await page.goto(`${appliance.url}/agents/workflows/runs/${made.run.id}`);
  await page.getByRole("button", { name: "Approve" }).waitFor({ timeout: MODEL_MS });
  await take("agents-workflow-run");
  await page.goto(`${appliance.url}/agents/plans/${made.plan.id}`);
  await page.getByRole("button", { name: "Approve and begin" }).waitFor({ timeout: MODEL_MS });
  await take("agents-plan");
  await page.goto(`${appliance.url}/agents/memories`);
  await page.getByText("Likes answers as short lists").first().waitFor();
  await take("agents-memories-kept");
  await page.goto(`${appliance.url}/agents/workflows`);
  await page.getByRole("button", { name: "Start: Compare documents on one question" }).click();
  await page.getByRole("dialog").locator("textarea").first().waitFor();
  await take("agents-workflow-start");
}

/** Has whoever is signed in administer the appliance too: tenants and models are shown to nobody else. */
async function administer(page) {
  const me = await page.evaluate(async () => (await fetch("/api/v1/auth/me")).json());
  const body = { tenant_id: me.tenant_id, user_id: me.id };
  await appliance.console("POST", "/api/v1/appliance/administrators", body);
}

/** Takes pictures of a page in both themes. */
const pictures = (page, device) => async (name) => {
  // A page that follows something keeps its stream open.
  await page.waitForLoadState("networkidle", { timeout: 5_000 }).catch(() => null);
  await filled(page);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(folder, `${name}-${device}-${colorScheme}.png`) });
  }
};

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
// Nobody waits here: a person who looks at every page within a minute is not what the limits are for.
for (const who of ["USER", "TENANT", "ADDRESS"]) process.env[`MILLWRIGHT_SERVER_REQUESTS_PER_MINUTE_AND_${who}`] = "100000";
const appliance = await startAppliance();
const browser = await startBrowser();
try {
  for (const [device, options] of Object.entries(DEVICES)) {
    const { context, page } = await open(browser, appliance.url, { ...options, reducedMotion: "reduce" });
    const take = pictures(page, device);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await take("sign-in");
    await signIn(page, appliance, "admin@plant.example");
    await take("ask");
    await ask(page, "What is the tightening torque of the P-101 flange bolts?");
    await page.getByRole("button", { name: "Receipt" }).waitFor();
    await take("answer");
    await page.locator(".answer button").first().click();
    await page.getByTestId("cited-box").first().waitFor();
    await take("source");
    await page.keyboard.press("Escape");
    await ask(page, "Who won the chess championship in 1972?");
    await page.locator(".answer", { hasText: "do not answer" }).waitFor();
    await take("refusal");
    await page.getByRole("button", { name: "Receipt" }).first().click();
    await page.getByRole("dialog").getByText("Quoted word for word").waitFor();
    await take("receipt");
    await page.keyboard.press("Escape");
    await administer(page);
    for (const [name, path] of Object.entries(PAGES)) {
      await page.goto(appliance.url + path);
      // The appliance lets nobody ask for too much at once; the pages wait.
      await page.locator("#main h1").waitFor({ timeout: 60_000 });
      await take(name);
    }
    await page.goto(`${appliance.url}/documents`);
    await page.getByRole("link", { name: /Maintenance Manual/ }).click();
    await page.getByRole("heading", { name: "Revisions" }).waitFor();
    await take("document");
    await page.getByRole("button", { name: "New revision" }).click();
    await take("upload");
    await context.close();
  }
  // Last: with a model, answers come in other ways.
  await bringModel(appliance);
  for (const [device, options] of Object.entries(DEVICES)) {
    const { context, page } = await open(browser, appliance.url, { ...options, reducedMotion: "reduce" });
    const take = pictures(page, device);
    await signIn(page, appliance, "operator@plant.example");
    await page.getByRole("button", { name: "Who answers: Automatic" }).click();
    await page.getByRole("menuitemradio", { name: /^Reasoned/ }).click();
    await take("answerers");
    await page.keyboard.press("Escape");
    await ask(page, "What is the coupling gap of pump P-7?");
    await page.locator("summary", { hasText: "How this was reasoned" }).click({ timeout: MODEL_MS });
    await page.getByRole("list", { name: "Steps" }).getByText("Facts collected").first().click();
    await take("reasoned");
    await page.getByRole("link", { name: "Open the run" }).click();
    await page.getByRole("button", { name: "Replay" }).waitFor();
    await take("agents-run");
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByRole("link", { name: "Compare them" }).click({ timeout: MODEL_MS });
    await page.getByRole("heading", { name: "Two runs" }).waitFor();
    await take("agents-compare");
    await takeWork(page, take);
    await context.close();
  }
} finally {
  await browser.close();
  appliance.stop();
}
