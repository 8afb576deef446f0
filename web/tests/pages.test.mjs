// Keys, groups, changed documents, feedback, tenants and shared devices in a real browser.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import {
  ask, assertAccessible, assertSound, newQuestion, note, open, signIn, startAppliance, startBrowser, test,
} from "./support.mjs";

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

/** What the API answers to a key, asked from the page itself. */
const asked = (page, path, key) =>
  page.evaluate(
    async ([path, key]) => (await fetch(path, { headers: { Authorization: `Bearer ${key}` }, credentials: "omit" })).status,
    [path, key],
  );

test("a key is made with what it may do, shown once, rotated and revoked", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  await page.goto(`${appliance.url}/me`);
  await page.getByRole("button", { name: "Make a key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Andon board");
  for (const box of await dialog.getByRole("checkbox").all()) await box.uncheck();
  await dialog.getByRole("button", { name: "Make a key" }).click();
  await dialog.getByText("Choose at least one permission.").waitFor();
  await dialog.getByRole("group", { name: "Documents" }).getByLabel("read", { exact: true }).check();
  await assertSound(page, "new key");
  await dialog.getByRole("button", { name: "Make a key" }).click();
  const first = await page.getByTestId("key-secret").innerText();
  assert.match(first, /^mwk_/);
  await assertSound(page, "key in full");
  await page.getByRole("button", { name: "Done" }).click();
  const row = page.getByRole("listitem").filter({ hasText: "Andon board" }).first();
  await row.getByText("Not used yet").waitFor();
  assert.equal(await page.getByText(first).count(), 0);
  assert.equal(await asked(page, "/api/v1/documents", first), 200);
  assert.equal(await asked(page, "/api/v1/conversations", first), 403);

  await row.getByRole("button", { name: "Rotate" }).click();
  await dialog.getByLabel("The former one goes on for").selectOption({ label: "Not at all: it ends now" });
  await dialog.getByRole("button", { name: "Rotate" }).click();
  const second = await page.getByTestId("key-secret").innerText();
  await page.getByRole("button", { name: "Done" }).click();
  assert.deepEqual([await asked(page, "/api/v1/documents", first), await asked(page, "/api/v1/documents", second)], [401, 200]);
  await assertSound(page, "my account with a key");

  // The administrator sees it too, and who made it.
  const admin = await visit();
  await signIn(admin.page, appliance, "admin@plant.example");
  await admin.page.goto(`${appliance.url}/admin/keys`);
  await admin.page.getByText("of operator of plant").waitFor();
  await assertSound(admin.page, "keys of all");
  assert.deepEqual(admin.faults, []);
  await admin.context.close();

  await row.getByRole("button", { name: "Revoke" }).click();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("There are no keys.").waitFor();
  assert.equal(await asked(page, "/api/v1/documents", second), 401);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a group gives its members what it says, and a person's sign-ins can be ended", async () => {
  const viewer = await visit();
  await signIn(viewer.page, appliance, "viewer@plant.example");
  assert.equal(await viewer.page.getByRole("link", { name: "Admin" }).count(), 0);
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "admin@plant.example");
  await page.goto(`${appliance.url}/admin/groups`);
  await page.getByText("There are no groups.").waitFor();
  await page.getByRole("button", { name: "Make a group" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Shift leads");
  await dialog.getByRole("group", { name: "Settings" }).getByLabel("read", { exact: true }).check();
  await assertSound(page, "new group");
  await dialog.getByRole("button", { name: "Make a group" }).click();
  await dialog.getByLabel("Add a person").selectOption({ label: "viewer of plant (viewer@plant.example)" });
  await dialog.getByRole("button", { name: "Add a person" }).click();
  await dialog.getByRole("button", { name: "Take out: viewer of plant" }).waitFor();
  await assertSound(page, "group with a member");
  await page.keyboard.press("Escape");
  await page.getByText("1 member").waitFor();
  await assertSound(page, "groups");
  await viewer.page.reload();
  await viewer.page.getByRole("link", { name: "Admin" }).waitFor();

  await page.getByRole("navigation", { name: "Admin" }).getByRole("link", { name: "People" }).click();
  await page.getByRole("button", { name: /viewer of plant/ }).click();
  await page.getByText(/^Browser, since/).waitFor();
  await assertSound(page, "person with sign-ins");
  await dialog.getByRole("button", { name: "End", exact: true }).click();
  await page.getByText("Nowhere at present.").waitFor();
  await page.keyboard.press("Escape");
  await viewer.page.getByRole("link", { name: "Documents" }).first().click();
  await viewer.page.getByRole("heading", { name: "Sign in" }).waitFor();

  await page.goto(`${appliance.url}/admin/groups`);
  await page.getByRole("button", { name: /Shift leads/ }).click();
  await page.getByRole("button", { name: "Delete the group" }).click();
  await page.getByRole("dialog", { name: /Delete/ }).getByRole("button", { name: "Delete the group" }).click();
  await page.getByText("There are no groups.").waitFor();
  assert.deepEqual([...faults, ...viewer.faults], []);
  await context.close();
  await viewer.context.close();
});

test("what is said about a document changes with a reason, and holds at once", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  await page.goto(`${appliance.url}/documents`);
  await page.getByRole("link", { name: "Pump note" }).click();
  await page.getByRole("heading", { name: "Revision 1" }).waitFor();
  const change = async () => {
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Change details" }).click();
  };
  await change();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Why is it changed?").fill("nothing yet");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Nothing was changed.").waitFor();
  await dialog.getByLabel("Title").fill("Transfer pump note");
  await dialog.getByLabel("Tags").fill("pumps, ps1");
  await dialog.getByLabel("Further details").fill("manufacturer Sulzer");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Line 1 has no colon between name and value.").waitFor();
  await dialog.getByLabel("Further details").fill("manufacturer: Sulzer");
  await dialog.getByLabel("Classification").selectOption({ label: "Public" });
  await dialog.getByText("It becomes easier to see").waitFor();
  await dialog.getByLabel("Why is it changed?").fill("cleared by the plant's office");
  await assertSound(page, "change of a document");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "Transfer pump note" }).waitFor();
  await page.getByText("Sulzer").waitFor();

  // Somebody who is cleared for public documents alone finds it from now on.
  const viewer = await visit();
  await signIn(viewer.page, appliance, "viewer@plant.example");
  await ask(viewer.page, "What is the coupling gap of P-7?");
  await viewer.page.locator(".answer", { hasText: "3 mm" }).waitFor();
  await change();
  await dialog.getByLabel("Classification").selectOption({ label: "Internal" });
  await dialog.getByText("It becomes harder to see").waitFor();
  await dialog.getByLabel("Why is it changed?").fill("not meant for everybody");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  await viewer.page.reload();
  await viewer.page.getByText("You may no longer see this answer").waitFor();
  await ask(viewer.page, "What is the coupling gap of P-7?");
  await viewer.page.locator(".answer", { hasText: "Your documents do not answer this." }).waitFor();
  assert.deepEqual(viewer.faults, []);
  await viewer.context.close();

  // Another revision, and what it says otherwise.
  await page.getByRole("button", { name: "New revision" }).click();
  const changed = note(appliance.directory, "pump3.md", "# Pump note\n\n## Values\n\nThe coupling gap of pump P-7 is exactly 4 mm.\n");
  await page.locator("input[type=file]").setInputFiles(changed);
  await page.getByRole("dialog").getByRole("button", { name: /^Upload \d/ }).click();
  await page.locator("[data-state=done]", { hasText: "pump3.md" }).waitFor({ timeout: 60_000 });
  await page.getByRole("link", { name: "Compare with the one before" }).click();
  await page.locator("del", { hasText: "3" }).waitFor();
  assert.deepEqual(
    (await page.locator("ins").allInnerTexts()).map((text) => text.replace(/\[new:|\]/g, "").trim()),
    ["exactly", "4"],
  );
  await page.getByText("1 word gone · 2 words new").waitFor();
  await assertSound(page, "comparison");
  await page.getByLabel("Revision").first().selectOption({ index: 1 });
  await page.getByText("These pages say the same.").waitFor();
  await page.getByRole("link", { name: "Back to the document" }).click();
  await page.getByRole("button", { name: "Mark as replaced" }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Mark as replaced" }).click();
  await page.getByText("Superseded").nth(1).waitFor();
  await assertSound(page, "document with a replaced revision");
  assert.deepEqual(faults, []);
  await context.close();

  const admin = await visit();
  await signIn(admin.page, appliance, "admin@plant.example");
  await admin.page.goto(`${appliance.url}/admin/audit?action=document.changed`);
  await admin.page.getByRole("button", { name: /document\.changed/ }).first().click();
  await admin.page.getByText("not meant for everybody").waitFor();
  assert.deepEqual(admin.faults, []);
  await admin.context.close();
});

test("documents are found by their type and by whether they count, by the appliance and page by page", async () => {
  const former = note(appliance.directory, "former.md", "# Former note\n\n## Values\n\nThe coupling gap of pump P-6 is 2 mm.\n");
  await appliance.millwright("ingest", former, "--tenant", "plant", "--key", "PN-6");
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  await page.goto(`${appliance.url}/documents`);
  await page.getByRole("link", { name: "Former note" }).click();
  await page.getByRole("button", { name: "Withdraw" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
  await page.getByText("Withdrawn").first().waitFor();

  await page.getByRole("link", { name: "Documents" }).first().click();
  const rows = page.getByRole("region", { name: "Documents", exact: true }).getByRole("link");
  const only = async (...titles) => {
    await page.waitForFunction(
      (wanted) => [...document.querySelectorAll("[role=region][aria-label=Documents] a")].map((a) => a.textContent).sort().join("|") === wanted,
      titles.sort().join("|"),
    );
  };
  const all = (await rows.allInnerTexts()).length;
  assert.ok(all >= 4, `${all} documents`);
  await page.getByLabel("Validity").selectOption({ label: "Withdrawn" });
  await only("Former note");
  assert.equal(new URL(page.url()).searchParams.get("standing"), "withdrawn");
  await assertSound(page, "withdrawn documents");
  await page.getByLabel("Type").selectOption({ label: "PDF" });
  await page.getByText("No document matches").waitFor();
  await assertSound(page, "no document that matches");

  // Pages of one document each: the appliance leaves nothing out and nothing in.
  const queries = [];
  await page.route("**/api/v1/documents?*", async (route) => {
    const url = new URL(route.request().url());
    queries.push(url.searchParams);
    url.searchParams.set("limit", "1");
    await route.continue({ url: url.href });
  });
  await page.getByLabel("Type").selectOption({ label: "Markdown" });
  await only("Former note");
  await page.getByLabel("Validity").selectOption({ label: "Valid" });
  const markdown = await page.evaluate(async () => {
    const { items } = await (await fetch("/api/v1/documents")).json();
    return items.filter(({ current }) => current.format === "markdown").map(({ title, current }) => [title, current.standing]);
  });
  await only(...markdown.filter(([, standing]) => standing === "valid").map(([title]) => title));
  await page.getByLabel("Validity").selectOption("");
  // More than one page of them, whatever an earlier test has made of the other one.
  assert.ok(markdown.length > 1);
  await only(...markdown.map(([title]) => title));
  const last = queries.at(-1);
  assert.deepEqual([last.get("format"), last.get("standing"), Boolean(last.get("cursor"))], ["markdown", null, true]);
  // A person has so many requests a minute, and the rest is no matter of pages.
  await page.unroute("**/api/v1/documents?*");
  // What is asked for stands in the address, beside the other filters.
  await page.getByLabel("Title or key").fill("PN-6");
  await only("Former note");
  await page.reload();
  await only("Former note");
  assert.equal(await page.getByLabel("Type").inputValue(), "markdown");
  await page.getByLabel("Type").selectOption({ label: "Word" });
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await page.waitForFunction((wanted) => document.querySelectorAll("[role=region][aria-label=Documents] a").length === wanted, all);
  assert.deepEqual([await page.getByLabel("Type").inputValue(), await page.getByLabel("Title or key").inputValue()], ["", ""]);
  assert.deepEqual(faults, []);
  await context.close();
});

test("suggested questions are answered; answers are rated, and conversations pinned", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  const suggested = page.getByRole("region", { name: "You could ask" }).getByRole("button");
  await suggested.first().waitFor();
  assert.ok((await suggested.count()) >= 2);
  await assertSound(page, "suggested questions");
  const question = await suggested.first().innerText();
  await suggested.first().click();
  await page.locator(".answer button").first().waitFor();
  await page.getByRole("button", { name: "Good answer", exact: true }).click();
  await page.locator("[aria-pressed=true]", { has: page.locator("svg") }).first().waitFor();
  await page.getByRole("button", { name: "Not a good answer" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").selectOption({ label: "Something is missing" });
  await dialog.getByLabel("In your own words").fill("The unit is missing.");
  await assertSound(page, "feedback");
  await dialog.getByRole("button", { name: "Send" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.reload();
  await page.getByRole("button", { name: "Not a good answer", pressed: true }).waitFor();

  await newQuestion(page);
  await ask(page, "Who won the chess championship in 1972?");
  await page.locator(".answer", { hasText: "Your documents do not answer this." }).waitFor();
  // The later one stands on top until the earlier one is pinned.
  const list = page.locator("aside section li");
  await list.nth(1).filter({ hasText: question }).waitFor();
  await list.nth(1).getByRole("button").click();
  await page.getByRole("menuitem", { name: "Keep on top" }).click();
  await list.nth(0).filter({ hasText: question }).getByRole("img", { name: "Kept on top" }).waitFor();
  await page.getByRole("button", { name: "Edit and ask again" }).click();
  assert.equal(await page.locator("#question").inputValue(), "Who won the chess championship in 1972?");
  assert.deepEqual(faults, []);
  await context.close();

  const admin = await visit();
  await signIn(admin.page, appliance, "admin@plant.example");
  await admin.page.goto(`${appliance.url}/admin/feedback`);
  await admin.page.getByText("The unit is missing.").waitFor();
  assert.equal(await admin.page.getByText(question).count(), 0);
  await assertSound(admin.page, "feedback of all");
  await admin.page.getByLabel("Which").selectOption({ label: "Good" });
  await admin.page.getByText("Nothing was said yet.").waitFor();
  await admin.page.goto(`${appliance.url}/admin/settings`);
  await admin.page.getByRole("img", { name: /^Chart: Questions/ }).locator("canvas").waitFor();
  await assertSound(admin.page, "charts of usage");
  await admin.page.getByText("As a table").click();
  await admin.page.getByRole("columnheader", { name: "Not in the documents" }).waitFor();
  assert.deepEqual(admin.faults, []);
  await admin.context.close();
});

test("only who administers the appliance sees its tenants", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "admin@plant.example");
  await page.goto(`${appliance.url}/admin/tenants`);
  await page.getByText("You do not administer the appliance").waitFor();
  await assertSound(page, "no tenants");
  const me = await page.evaluate(async () => (await fetch("/api/v1/auth/me")).json());
  const granted = await appliance.console("POST", "/api/v1/appliance/administrators", { tenant_id: me.tenant_id, user_id: me.id });
  assert.equal(granted.status, 204);
  await page.reload();
  await page.getByText("joinery · ").waitFor();
  await page.getByRole("button", { name: "Make a tenant" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Short name").fill("foundry");
  await dialog.getByLabel("Name", { exact: true }).fill("Foundry");
  await dialog.getByRole("button", { name: "Make a tenant" }).click();
  await dialog.getByText("millwright user add EMAIL --role admin --tenant foundry").waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  const row = page.getByRole("listitem").filter({ hasText: "Foundry" });
  await row.getByRole("button", { name: "Suspend" }).click();
  await dialog.getByRole("button", { name: "Suspend" }).click();
  await row.getByText("Suspended").waitFor();
  await assertSound(page, "tenants");
  await row.getByRole("button", { name: "Resume" }).click();
  await row.getByText("Active").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a shared device locks itself and leaves nothing behind", async () => {
  const { context, page, faults } = await visit({ path: "/?kiosk=1" });
  await page.clock.install();
  await page.goto(`${appliance.url}/search?kiosk=1`);
  await signIn(page, appliance, "operator@plant.example", "#main h1");
  await newQuestion(page);
  await ask(page, "What is the tightening torque of the P-101 flange bolts?");
  await page.locator(".answer", { hasText: "90 N·m" }).waitFor();
  // Where somebody was stands in no address.
  assert.equal(new URL(page.url()).pathname, "/search");
  await page.clock.fastForward(40_000);
  await page.getByRole("dialog", { name: "Are you still there?" }).waitFor();
  await assertSound(page, "announced lock");
  await page.getByRole("button", { name: "Stay signed in" }).click();
  await page.clock.fastForward(20_000);
  await page.locator(".answer", { hasText: "90 N·m" }).waitFor();
  await page.clock.fastForward(45_000);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await page.getByText("90 N·m").count(), 0);
  assert.equal(await page.evaluate(() => Object.keys(localStorage).join()), "kiosk");
  assert.equal(await page.evaluate(() => document.querySelector("input[name=password]").autocomplete), "off");
  assert.equal(await page.evaluate(async () => (await fetch("/api/v1/auth/me")).status), 401);
  await page.goBack().catch(() => null);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await signIn(page, appliance, "viewer@plant.example");
  await page.getByRole("button", { name: "Switch user" }).first().click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await assertSound(page, "sign-in of a shared device");
  assert.deepEqual(faults, []);
  await context.close();
});

test("an appliance that is restarted in the middle of an answer is waited for", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  await ask(page, "What is the tightening torque of the P-101 flange bolts?");
  await page.locator(".answer", { hasText: "90 N·m" }).waitFor();
  // The first events come, and then nothing any more.
  await page.route("**/api/v1/chat", async (route) => {
    await appliance.kill();
    await route.continue();
  }, { times: 1 });
  await ask(page, "And of P-102?");
  await page.getByText("The appliance does not answer. Trying again").waitFor();
  await page.getByRole("alert").filter({ hasText: "The appliance does not answer" }).waitFor({ timeout: 20_000 });
  await assertAccessible(page, "appliance away");
  await appliance.start();
  await page.getByText("The appliance does not answer. Trying again").waitFor({ state: "detached", timeout: 20_000 });
  await page.getByRole("alert").getByRole("button", { name: "Ask again" }).click();
  await page.locator(".answer").nth(1).waitFor();
  assert.equal(await page.locator(".answer", { hasText: "90 N·m" }).first().isVisible(), true);
  const unexpected = faults.filter((fault) => !/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED/.test(fault));
  assert.deepEqual(unexpected, []);
  await context.close();
});
