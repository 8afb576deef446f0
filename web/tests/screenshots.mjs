// Writes pictures of every page, on a desktop and a phone, light and dark, into `screenshots/`.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ask, open, signIn, startAppliance, startBrowser } from "./support.mjs";

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
  "admin-users": "/admin/users",
  "admin-settings": "/admin/settings",
  "admin-jobs": "/admin/jobs",
  "admin-audit": "/admin/audit",
  "admin-audit-entry": "/admin/audit?entry=3",
  "admin-health": "/admin/health",
  "not-found": "/nowhere",
};

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const appliance = await startAppliance();
const browser = await startBrowser();
try {
  for (const [device, options] of Object.entries(DEVICES)) {
    const { context, page } = await open(browser, appliance.url, { ...options, reducedMotion: "reduce" });
    const take = async (name) => {
      await page.waitForLoadState("networkidle");
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(folder, `${name}-${device}-${colorScheme}.png`) });
      }
    };
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
} finally {
  await browser.close();
  appliance.stop();
}
