// The browser face in a real browser against a real appliance.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import {
  PASSWORD, ask, assertAccessible, assertNoSidewaysScroll, enter, newQuestion, note, open, signIn, startAppliance, startBrowser, test, totp,
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

test("from the one-time password to a cited answer, its place, and a refusal", async () => {
  const { context, page, faults } = await visit();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await assertAccessible(page, "sign-in");
  const admin = appliance.people["admin@plant.example"];
  await enter(page, admin, "admin@plant.example", "not the password at all");
  await page.getByRole("alert").filter({ hasText: "is wrong" }).waitFor();
  await enter(page, admin, "admin@plant.example");
  await page.getByRole("heading", { name: "Set a password of your own" }).waitFor();
  await assertAccessible(page, "own password");
  await page.getByLabel("Present password").fill(admin.password);
  await page.getByLabel("New password").fill("short");
  await page.getByRole("button", { name: "Set password" }).click();
  await page.getByText("At least 12 characters are needed.").waitFor();
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByRole("button", { name: "Set password" }).click();
  admin.password = PASSWORD;
  await page.getByLabel("Question").waitFor();
  await assertAccessible(page, "asking");

  await ask(page, "What is the coupling gap of P-7?");
  await page.locator(".answer", { hasText: "3 mm" }).waitFor();
  await page.getByRole("button", { name: "Receipt" }).waitFor();
  assert.match(page.url(), /\/ask\/[0-9a-f-]{36}$/);
  await assertAccessible(page, "answer");
  await page.locator(".answer button").first().focus();
  await page.locator(".answer button").first().hover();
  await page.getByRole("tooltip").filter({ hasText: "The coupling gap of pump P-7 is 3 mm." }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".answer button").first().click();
  const marked = page.getByTestId("cited-words");
  await marked.waitFor();
  assert.equal(await marked.innerText(), "The coupling gap of pump P-7 is 3 mm");
  await assertAccessible(page, "reading view");

  await ask(page, "Who won the chess championship in 1972?");
  await page.locator(".answer", { hasText: "Your documents do not answer this." }).waitFor();
  await assertAccessible(page, "refusal");
  await page.getByRole("button", { name: "Receipt" }).first().click();
  await page.getByText("Quoted word for word").waitFor();
  await assertAccessible(page, "receipt");
  await page.keyboard.press("Escape");
  // What was asked is there when the page is loaded anew, refusal included.
  await page.reload();
  await page.locator(".answer", { hasText: "3 mm" }).waitFor();
  await page.locator(".answer", { hasText: "Your documents do not answer this." }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("the cited lines of a PDF are marked where its own text has them", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  await ask(page, "how tight should I do up the bolts on P-101?");
  await page.locator(".answer", { hasText: "90 N·m" }).waitFor();
  await page.locator(".answer button").first().click();
  await page.locator("[data-drawn]").waitFor();
  await page.getByTestId("cited-box").first().waitFor();
  await page.locator(".text-layer span").first().waitFor();
  const words = await page.evaluate(() => {
    const boxes = [...document.querySelectorAll("[data-testid=cited-box]")].map((box) => box.getBoundingClientRect());
    const inside = [...document.querySelectorAll(".text-layer span")].filter((span) => {
      const place = span.getBoundingClientRect();
      const middle = (place.top + place.bottom) / 2;
      return boxes.some((box) => middle > box.top && middle < box.bottom && place.right > box.left && place.left < box.right);
    });
    return inside.map((span) => span.textContent).join(" ");
  });
  assert.match(words, /tightening torque of the P-101 flange bolts is 90 N·m/);
  assert.doesNotMatch(words, /P-102 received|Torque wrenches/);
  await assertAccessible(page, "page of a PDF");
  await page.getByRole("button", { name: "Next source" }).click();
  await page.getByText(/^2 of \d$/).waitFor();
  await page.keyboard.press("[");
  await page.getByText(/^1 of \d$/).waitFor();
  await page.getByRole("button", { name: "Next page" }).click();
  // The page prints the same words: what is asked is the panel's own line.
  await page.locator("[aria-live]", { hasText: "Page 13 of 18" }).waitFor();
  await page.locator("[data-drawn]").waitFor();
  assert.equal(await page.getByTestId("cited-box").count(), 0);
  await page.keyboard.press("Escape");
  await page.locator("[data-drawn]").waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await context.close();
});

test("files are uploaded with progress, cancelled, and a new revision silences the old one", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  await page.getByRole("link", { name: "Documents" }).first().click();
  await page.getByRole("link", { name: "Pump note" }).waitFor();
  await assertAccessible(page, "documents");
  const upload = async (paths, prepare = async () => {}) => {
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await page.locator("input[type=file]").first().setInputFiles(paths);
    await prepare();
    await page.getByRole("dialog").getByRole("button", { name: /^Upload \d/ }).click();
  };
  const changed = note(appliance.directory, "pump2.md", "# Pump note\n\n## Values\n\nThe coupling gap of pump P-7 is 4 mm.\n");
  const broken = note(appliance.directory, "broken.pdf", "%PDF-1.7\nthis is no document");
  await upload([changed], async () => {
    await page.getByRole("textbox", { name: "Key" }).fill("PN-7");
    await assertAccessible(page, "upload");
  });
  await upload([broken]);
  const tray = page.getByRole("region", { name: /./ }).filter({ has: page.locator("[data-state]") });
  await page.locator("[data-state=done]", { hasText: "pump2.md" }).waitFor({ timeout: 60_000 });
  await page.locator("[data-state=failed]", { hasText: "broken.pdf" }).waitFor({ timeout: 60_000 });
  await assertAccessible(page, "uploads");
  await tray.getByRole("button", { name: "Close" }).click();

  // The appliance answers slowly enough to be stopped.
  await page.route("**/documents/upload", () => {});
  await upload([note(appliance.directory, "late.md", "# Late\n\nNever sent.\n")]);
  await page.locator("[data-state=sending]", { hasText: "late.md" }).waitFor();
  await page.getByRole("button", { name: "Cancel late.md" }).click();
  await page.locator("[data-state=cancelled]", { hasText: "late.md" }).waitFor();
  await page.unroute("**/documents/upload");

  await newQuestion(page);
  await ask(page, "What is the coupling gap of P-7?");
  await page.locator(".answer", { hasText: "4 mm" }).waitFor();
  assert.doesNotMatch(await page.locator(".answer").innerText(), /3 mm/);
  await page.getByRole("link", { name: "Documents" }).first().click();
  await page.getByRole("link", { name: "Pump note" }).first().click();
  await page.getByRole("heading", { name: "Revision 2" }).waitFor();
  await page.getByText("Superseded").waitFor();
  await assertAccessible(page, "document");
  await page.getByRole("button", { name: "Withdraw" }).first().click();
  await page.getByLabel("Reason").fill("Measured wrongly");
  await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
  await page.getByText("Withdrawn").first().waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a second factor is set up from a picture and asked for at the next sign-in", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "admin@plant.example");
  await page.goto(`${appliance.url}/me`);
  await page.getByRole("button", { name: "Set up a second factor" }).click();
  await page.locator("form", { hasText: "authenticator app" }).getByLabel("Present password").fill(PASSWORD);
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByRole("img", { name: "QR code" }).locator("svg path").first().waitFor();
  await assertAccessible(page, "QR code");
  const secret = await page.getByTestId("secret").innerText();
  await page.getByLabel("Code", { exact: true }).fill(totp(secret));
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByRole("heading", { name: "Keep these recovery codes" }).waitFor();
  const codes = await page.getByTestId("recovery-codes").locator("li").allInnerTexts();
  assert.equal(codes.length, 10);
  await assertAccessible(page, "recovery codes");
  await page.getByRole("button", { name: "I have written them down" }).click();
  await page.getByText("10 recovery codes are left.").waitFor();
  await signOut(page);

  await enter(page, appliance.people["admin@plant.example"], "admin@plant.example");
  await page.getByRole("heading", { name: "Show your second factor" }).waitFor();
  await assertAccessible(page, "second factor");
  // A page that is loaded anew goes on where it was.
  await page.reload();
  await page.getByLabel("Code").fill("000000");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("alert").filter({ hasText: "The code is wrong" }).waitFor();
  await page.getByLabel("Code").fill(codes[0]);
  await page.getByRole("button", { name: "Continue" }).click();
  // Where one was when one signed out.
  await page.getByRole("button", { name: "Remove the second factor" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove the second factor" }).click();
  await page.getByRole("button", { name: "Set up a second factor" }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

async function signOut(page) {
  await page.getByRole("button", { name: /of plant|Administrator/ }).first().click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
}

test("each role sees what it may, and each tenant its own", async () => {
  const viewer = await visit();
  await signIn(viewer.page, appliance, "viewer@plant.example");
  await viewer.page.getByRole("link", { name: "Documents" }).first().click();
  const listed = viewer.page.getByRole("region", { name: "Documents", exact: true }).locator("li");
  await listed.first().waitFor();
  assert.equal(await viewer.page.getByRole("button", { name: "Upload" }).count(), 0);
  // Cleared for public documents alone.
  assert.equal(await listed.count(), 1);
  assert.equal(await viewer.page.getByRole("link", { name: "Admin" }).count(), 0);
  await viewer.page.goto(`${appliance.url}/admin/users`);
  await viewer.page.getByText("Your role does not allow this").waitFor();
  assert.deepEqual(viewer.faults, []);
  await viewer.context.close();

  const other = await visit();
  await signIn(other.page, appliance, "admin@joinery.example");
  await ask(other.page, "What is the coupling gap of P-7?");
  await other.page.locator(".answer", { hasText: "Your documents do not answer this." }).waitFor();
  assert.doesNotMatch(await other.page.locator("main").innerText(), /PN-7|MM-PS1/);
  await other.page.goto(`${appliance.url}/documents`);
  await other.page.getByRole("link", { name: "Saw" }).waitFor();
  assert.equal(await other.page.locator("main li").count(), 1);
  assert.deepEqual(other.faults, []);
  await other.context.close();
});

test("administrators look after people, settings, jobs, the log and the appliance", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "admin@plant.example");
  await page.goto(`${appliance.url}/admin`);
  await page.getByRole("button", { name: "Add a person" }).click();
  await page.getByRole("textbox", { name: "E-mail" }).fill("new@plant.example");
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("New Person");
  await page.getByRole("dialog").getByRole("button", { name: "Add a person" }).click();
  assert.match(await page.getByTestId("one-time-password").innerText(), /\S{10,}/);
  await assertAccessible(page, "new person");
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: /New Person/ }).waitFor();
  for (const [name, shown] of [
    ["People", "New Person"],
    ["Settings", "What is kept"],
    ["Jobs", "Done"],
    ["Audit log", "user.created"],
    ["Health", "The appliance"],
  ]) {
    await page.getByRole("navigation", { name: "Admin" }).getByRole("link", { name }).click();
    await page.locator("main").getByText(shown).first().waitFor();
    await assertAccessible(page, name);
  }
  await page.getByRole("navigation", { name: "Admin" }).getByRole("link", { name: "Audit log" }).click();
  await page.getByRole("button", { name: "Verify the whole log" }).click();
  await page.getByText("The log is sound").waitFor();
  await page.getByRole("button", { name: /user\.created/ }).first().click();
  await page.getByText("Proved in this browser").waitFor();
  await page.getByText("The signature of the checkpoint is genuine.").waitFor();
  await assertAccessible(page, "proof");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a session that ends leads back to where one was", async () => {
  const { context, page, faults } = await visit();
  await signIn(page, appliance, "operator@plant.example");
  await page.goto(`${appliance.url}/search?q=coupling`);
  await page.locator("mark").first().waitFor();
  await assertAccessible(page, "search");
  const cookies = await context.cookies();
  await context.clearCookies();
  await page.getByRole("link", { name: "Documents" }).first().click();
  await page.getByText("Your session has ended").waitFor();
  assert.equal(cookies.length, 1);
  assert.equal(await page.getByText("Pump note").count(), 0);
  await enter(page, appliance.people["operator@plant.example"], "operator@plant.example");
  await page.getByRole("heading", { name: "Documents", exact: true }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/documents");
  assert.deepEqual(faults, []);
  await context.close();
});

test("it speaks German and Czech and works with the keyboard alone", async () => {
  const { context, page, faults } = await visit({ locale: "de" });
  await page.getByRole("heading", { name: "Anmelden" }).waitFor();
  await page.locator("select").selectOption("cs");
  await page.getByRole("heading", { name: "Přihlášení" }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "cs");
  await page.locator("select").selectOption("en");
  await page.locator("input[name=tenant]").focus();
  const person = appliance.people["operator@plant.example"];
  for (const text of ["plant", "operator@plant.example", person.password]) {
    await page.keyboard.type(text);
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page.locator("#question").waitFor();
  await page.locator("#question").focus();
  await page.keyboard.type("tightening torque of the P-101 flange bolts");
  await page.keyboard.press("Enter");
  await page.locator(".answer", { hasText: "90 N·m" }).waitFor();
  await page.locator(".answer button").first().focus();
  await page.keyboard.press("Enter");
  await page.getByTestId("cited-box").first().waitFor();
  await page.keyboard.press("Escape");
  await page.getByTestId("cited-box").first().waitFor({ state: "detached" });
  // The focus is back where it came from, and single keys lead on from there.
  assert.equal(await page.evaluate(() => document.activeElement?.closest(".answer") !== null), true);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("d");
  await page.getByRole("heading", { name: "Documents", exact: true }).waitFor();
  await page.goto(`${appliance.url}/me`);
  await page.getByLabel("High contrast").check();
  assert.equal(await page.locator("html").getAttribute("data-contrast"), "more");
  await assertAccessible(page, "high contrast");
  assert.deepEqual(faults, []);
  await context.close();
});

test("it fits a phone, and its targets are large enough for gloves", async () => {
  const { context, page, faults } = await visit({ viewport: { width: 360, height: 740 }, hasTouch: true });
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await assertNoSidewaysScroll(page, "sign-in");
  await signIn(page, appliance, "operator@plant.example");
  for (const path of ["/ask", "/documents", "/search?q=torque", "/me", "/help", "/nowhere"]) {
    await page.goto(appliance.url + path);
    await page.locator("h1").first().waitFor();
    await assertNoSidewaysScroll(page, path);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll("button, select, input:not([type=checkbox]), nav a")]
        .filter((element) => element.checkVisibility() && !element.closest(".sr-only"))
        .map((element) => [element.getBoundingClientRect().height, element.outerHTML.slice(0, 120)])
        .filter(([height]) => height > 1 && height < 44),
    );
    assert.deepEqual(small, [], path);
  }
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByRole("dialog").getByRole("link", { name: "New question" }).waitFor();
  await assertAccessible(page, "drawer");
  assert.deepEqual(faults, []);
  await page.goto(`${appliance.url}/docs`);
  await page.locator(".opblock").first().waitFor();
  await context.close();
});
