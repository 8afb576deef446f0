// Specialists, the playground, thinking tools and the reasoning behind an answer in a real browser.
// The model is made of random weights: what it writes is noise, and no sentence of it holds. Its runs
// are in the tenant with one short document, and end at small budgets, so that they take little time.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask, assertSound, bringModel, open, signIn, startAppliance, startBrowser, test } from "./support.mjs";

/** A model on a busy machine takes its time. */
const RUN = { timeout: 300_000 };
/** Enough to ask what is unknown, and too little for claims. */
const BUDGET = "1600";
const GAP = "What is the riving knife gap of saw S-1?";

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

/** Signed in, at `path`. */
async function visitAs(email, path) {
  const visited = await open(browser, appliance.url);
  await signIn(visited.page, appliance, email);
  await visited.page.goto(appliance.url + path);
  return visited;
}

const event = (number, name, data) => `event: ${name}\nid: canned:${number}\ndata: ${JSON.stringify(data)}\n\n`;
const streamed = (...events) => ({
  status: 200,
  headers: { "Content-Type": "text/event-stream" },
  body: events.map(([name, data], index) => event(index + 1, name, data)).join(""),
});

test("without a model a run says so, and answers are quoted", async () => {
  const { context, page, faults } = await visitAs("operator@plant.example", "/agents/playground");
  await page.getByText("You have not run anything yet").waitFor();
  await page.getByLabel("Question").fill(GAP);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByText("There is no language model").waitFor();
  await assertSound(page, "playground without a model");
  assert.deepEqual(faults, []);
  await context.close();
});

test("an agent is changed for the tenant, with what is wrong beside its field, and taken back", async () => {
  const { context, page, faults } = await visitAs("admin@plant.example", "/agents");
  const card = (title) => page.getByRole("link", { name: title, exact: true });
  await card("Document analyst").waitFor();
  assert.equal(await page.locator("main li h2").count(), 6);
  await assertSound(page, "specialists");
  await card("Document analyst").focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Search first, with the words of the request").waitFor();
  await dialog.getByText("Reads one whole page of a document. It reads and changes nothing.").waitFor();
  await assertSound(page, "a specialist");
  await dialog.getByRole("button", { name: "Change for this tenant" }).click();
  await dialog.getByText("Computes an expression exactly and checks its units. It computes and touches nothing.").waitFor();
  const name = dialog.getByLabel("Name", { exact: true });
  await name.fill("");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("must have 1 to 80 characters").waitFor();
  assert.equal(await name.getAttribute("aria-invalid"), "true");
  assert.ok(await name.evaluate((field) => field === document.activeElement), "the field at fault has the focus");
  await assertSound(page, "a change with a fault");
  await name.fill("Bookworm");
  await dialog.getByLabel("Tier", { exact: true }).selectOption("heavy");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Name, Tier").waitFor();
  await assertSound(page, "a changed specialist");

  await dialog.getByRole("button", { name: "Change for this tenant" }).click();
  await dialog.getByLabel("Take back: Name as it came").check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByRole("button", { name: "Change for this tenant" }).waitFor();
  await dialog.getByText("Heavy tier").waitFor();
  await page.keyboard.press("Escape");
  await card("Document analyst").waitFor();
  const changed = await page.evaluate(async () => (await (await fetch("/api/v1/agents/document_analyst")).json()).changed);
  assert.deepEqual(changed, ["tier"]);

  await card("Document analyst").click();
  await dialog.getByRole("button", { name: "Change for this tenant" }).click();
  await dialog.getByRole("button", { name: "Take everything back" }).click();
  await dialog.getByText("Standard tier").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("who may not change agents reads them all the same", async () => {
  const { context, page, faults } = await visitAs("viewer@plant.example", "/agents?agent=generalist");
  await page.getByRole("dialog").getByText("Does what no other agent is meant for").waitFor();
  assert.equal(await page.getByRole("button", { name: "Change for this tenant" }).count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a run is told step by step, kept, replayed, compared and deleted", async () => {
  await bringModel(appliance);
  const { context, page, faults } = await visitAs("admin@joinery.example", "/agents/playground");
  await page.getByLabel("Question").fill(GAP);
  await page.locator("summary", { hasText: "Settings" }).click();
  await page.getByLabel("Strategy").selectOption("direct");
  await page.getByLabel("Tier").selectOption("light");
  await page.getByLabel("Seed").fill("7");
  await page.getByLabel("Token budget").fill(BUDGET);
  await page.locator("form").evaluate((form) => (form.noValidate = true));
  await page.getByLabel("Temperature").fill("9");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByText("must be 0 to 2, not 9").first().waitFor();
  await assertSound(page, "settings with a fault");
  await page.getByLabel("Temperature").fill("");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const steps = page.getByRole("list", { name: "Steps" });
  await steps.getByText("Facts collected").first().waitFor(RUN);
  await page.getByRole("link", { name: "Open the run" }).waitFor(RUN);
  await steps.getByText("What is still unknown").first().waitFor();
  await page.getByText("The token budget of the run is used up").first().waitFor();
  await assertSound(page, "a run that has ended");

  await page.getByRole("link", { name: "Open the run" }).click();
  // The playground has a list of steps too; what is opened there closes with it.
  await page.getByRole("button", { name: "Replay" }).waitFor();
  await steps.getByText("Facts collected").first().click();
  await steps.getByText(/\d+ facts? collected/).waitFor();
  await assertSound(page, "a trace");
  await page.getByRole("button", { name: "Replay" }).click();
  await page.getByText("Both runs are the same, step by step").waitFor(RUN);
  await page.getByRole("link", { name: "Compare them" }).click();
  await page.getByRole("heading", { name: "Two runs" }).waitFor();
  await page.getByText("Both runs are the same, step by step").waitFor();
  await assertSound(page, "two runs");

  await page.getByRole("link", { name: "Your runs" }).click();
  const boxes = page.getByRole("checkbox", { name: /Compare the run of/ });
  await boxes.nth(1).waitFor();
  for (const box of [boxes.nth(0), boxes.nth(1)]) {
    await box.focus();
    await page.keyboard.press("Space");
  }
  await page.getByRole("link", { name: "Compare the two" }).waitFor();
  await assertSound(page, "runs to be compared");
  assert.equal(await boxes.count(), 2);
  await page.getByRole("listitem").filter({ hasText: "Replay" }).getByRole("link").click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await boxes.first().waitFor();
  assert.equal(await boxes.count(), 1);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a thinking tool says what it costs before it begins, and stops at its budget", async () => {
  const { context, page, faults } = await visitAs("operator@plant.example", "/agents/playground?tool=council");
  await page.getByText("Write a question to see what it will cost at most.").waitFor();
  assert.ok(await page.getByRole("button", { name: "Run" }).isDisabled());
  await page.getByLabel("Question").fill("Should the seal be changed each year?");
  await page.getByText(/At most [\d,]+ tokens\. A model is asked \d+ times\./).waitFor();
  await page.locator("summary", { hasText: "Settings" }).click();
  await page.getByLabel("Token budget").fill("1000");
  await page.getByText("Your budget is lower").waitFor();
  await assertSound(page, "an estimate");
  await page.getByRole("button", { name: "Run for at most 1,000 tokens" }).click();
  await page.getByText("The token budget of the run is used up").first().waitFor(RUN);
  await assertSound(page, "a budget that is used up");
  assert.deepEqual(faults, []);
  await context.close();
});

const COUNCIL = {
  tool: "council",
  members: [
    {
      role: "maintenance",
      opinion: { position: "By condition.", reasons: ["Leakage is measured each week."], unknowns: ["Is a spare on stock?"], confidence: 80 },
      rebuttals: [{ round: 1, points: ["A stop costs more than a seal."], position: "By condition, with a spare.", changed: true, confidence: 85 }],
      vote: { option: 1, reason: "Condition tells more than age." },
    },
    { role: "production", opinion: { position: "Fewer stops.", reasons: [], unknowns: [], confidence: 70 }, rebuttals: [], vote: { option: 1, reason: "Fewer stops." } },
    { role: "safety", opinion: { position: "Each year.", reasons: [], unknowns: [], confidence: 60 }, rebuttals: [], vote: { option: 2, reason: "A spray is not measured." } },
  ],
  options: [{ number: 1, text: "Change it by its condition", votes: 2 }, { number: 2, text: "Change it each year", votes: 1 }],
  decision: 1,
  majority: true,
  dissent: [{ role: "safety", option: 2, reason: "A spray is not measured.", position: "Each year." }],
  conclusion: null,
  completeness: { complete: false, stopped_by: "run_budget_exhausted", stopped_at: "council.conclusion", failed_steps: [] },
};
const RED_TEAM = {
  tool: "red_team",
  findings: [
    { title: "No shield", detail: "A seal that fails sprays.", severity: 4, likelihood: 4, risk: 16, found_by: ["safety_officer"], response: "accepted", answer: "Right.", change: "Add the shield." },
  ],
  verdict: "fails",
  attackers: ["safety_officer", "buyer"],
  raw_findings: 3,
  completeness: { complete: true, stopped_by: null, stopped_at: null, failed_steps: [] },
};
const PRINCIPLES = {
  tool: "first_principles",
  assumptions: [{ number: 1, text: "Seals wear with time.", stated: true, judged: "doubtful", because: "They wear with running hours." }],
  fundamentals: [{ number: 1, text: "Wear follows sliding distance.", basis: "physics" }],
  derivation: [{ from: [1], text: "The seal is due by hours." }],
  conclusion: "Change the seal by its running hours.",
  differs: true,
  open_questions: ["How many hours does the pump run?"],
  unfounded_steps: 1,
  completeness: { complete: true, stopped_by: null, stopped_at: null, failed_steps: [] },
};
const done = (report) => ({
  report, budget_tokens: 20_000, prompt_tokens: 15_000, completion_tokens: 4000, seed: 7, classification: "INTERNAL", export_control: "none",
});

test("opinions, votes and findings can be read as a larger model would give them", async () => {
  const { context, page, faults } = await visitAs("operator@plant.example", "/agents/playground?tool=council");
  const answers = [
    streamed(
      ["step.started", { step: "council.opinion.safety" }],
      ["step.finished", { step: "council.opinion.safety", prompt_tokens: 600, completion_tokens: 80 }],
      ["done", done(COUNCIL)],
    ),
    streamed(["done", done(RED_TEAM)]),
    streamed(["done", done(PRINCIPLES)]),
  ];
  await page.route("**/api/v1/thinking", (route) => route.fulfill(answers.shift()));
  const result = page.getByRole("region", { name: "Result" });
  const think = async () => {
    await page.getByLabel("Question").fill("Should the seal be changed each year?");
    await page.getByRole("button", { name: /Run for at most/ }).click();
    await result.waitFor();
  };
  // The tools' pages look alike: the form of the one that is left must not be filled in.
  const to = async (tool) => {
    await page.getByRole("link", { name: tool }).click();
    await result.waitFor({ state: "detached" });
  };
  await think();
  await page.getByText("Opinion: Safety").waitFor();
  await result.getByText("More than half of the members voted for it.").waitFor();
  await result.getByText("It ended at: The council’s answer").waitFor();
  await result.locator("summary", { hasText: "Maintenance" }).click();
  await result.getByText("Changed its mind: By condition, with a spare.").waitFor();
  await result.getByRole("heading", { name: "Dissent" }).waitFor();
  await assertSound(page, "a council");
  await to("Red team");
  await think();
  await result.getByText("Risk 16 = 4 × 4").waitFor();
  await assertSound(page, "a red team");
  await to("First principles");
  await think();
  await result.getByText("Wear follows sliding distance. (physics)").waitFor();
  await assertSound(page, "first principles");
  assert.deepEqual(faults, []);
  await context.close();
});

test("steps and struck sentences show while an answer is on its way", async () => {
  const { context, page, faults } = await visitAs("operator@plant.example", "/ask");
  let asked = 0;
  await page.route("**/api/v1/chat", (route) => {
    asked += 1;
    // What is asked for afterwards is the rest, which never comes.
    if (asked > 1) return;
    return route.fulfill(streamed(
      ["status", { stage: "thinking" }],
      ["step.started", { step: "think.1", kind: "think", tier: "light" }],
      ["step.token", { step: "think.1", text: '{"claims":[{"text":"The gap is 3 mm."' }],
      ["step.finished", { step: "think.1", kind: "think", tokens: { prompt_tokens: 900, cached_tokens: 0, completion_tokens: 12 }, elapsed_ms: 2100 }],
      ["step.started", { step: "verify.1", kind: "verify", tier: null }],
      ["verdict", { text: "The gap is 3 mm.", cited: [1], supported: true, similarity: 0.9 }],
      ["verdict", { text: "The gap is 9 mm.", cited: [1], supported: false, strike: { reason: "number_not_in_evidence", detail: "9" } }],
    ));
  });
  await ask(page, GAP);
  await page.getByText("Thinking and checking").waitFor();
  const steps = page.getByRole("list", { name: "Steps" });
  await steps.getByText("912 tokens · 2.1 sec").waitFor();
  await steps.getByText("The gap is 3 mm.").last().waitFor();
  assert.equal(await steps.getByText("The gap is 9 mm.").count(), 0);
  await page.getByRole("button", { name: "Show 1 struck sentence" }).click();
  await steps.locator("del", { hasText: "The gap is 9 mm." }).waitFor();
  await steps.getByText("A number does not stand in the passage (9)").waitFor();
  await assertSound(page, "reasoning under way");
  await page.locator("summary", { hasText: "Reasoning …" }).click();
  await steps.waitFor({ state: "hidden" });
  assert.deepEqual(faults, []);
  await context.close();
});

test("a reasoned answer keeps its steps, and its receipt names model, tier and reasons", async () => {
  const { context, page, faults } = await visitAs("admin@joinery.example", "/ask");
  await page.getByRole("button", { name: "Who answers: Automatic" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitemradio", { name: /^Reasoned/ }).waitFor();
  await assertSound(page, "who answers");
  await page.getByRole("menuitemradio", { name: /^Reasoned/ }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Who answers: Reasoned" }).waitFor();
  await ask(page, GAP);
  await page.getByRole("button", { name: "Receipt" }).waitFor(RUN);
  await page.locator(".answer", { hasText: "5 mm" }).waitFor();
  await page.locator("summary", { hasText: "How this was reasoned" }).click();
  await page.getByRole("list", { name: "Steps" }).getByText("Facts collected").first().click();
  await assertSound(page, "a reasoned answer");
  await page.getByRole("button", { name: "Receipt" }).click();
  const receipt = page.getByRole("dialog");
  for (const words of ["Cogwheel", "Why this tier", "Why quoted"]) {
    await receipt.getByText(words, { exact: true }).waitFor();
  }
  await assertSound(page, "a receipt of a model");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Examine" }).click();
  await receipt.getByText(/At most [\d,]+ tokens/).waitFor();
  assert.equal(await receipt.getByLabel("Question").inputValue(), GAP);
  assert.match(await receipt.getByLabel("Draft to be examined").inputValue(), /5 mm/);
  await assertSound(page, "an answer to be examined");
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Open the run" }).click();
  await page.getByRole("button", { name: "Replay" }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a specialist is chosen by keyboard, and receipt, steps and run tell that it took part", async () => {
  const { context, page, faults } = await visitAs("admin@joinery.example", "/ask");
  await page.getByRole("button", { name: "Who answers: Automatic" }).focus();
  await page.keyboard.press("Enter");
  const specialist = page.getByRole("menuitemradio", { name: /^Generalist/ });
  await specialist.waitFor();
  await page.getByText("the appliance chooses the specialist").waitFor();
  await assertSound(page, "specialists who answer");
  await page.keyboard.press("End");
  await specialist.and(page.locator(":focus")).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitemradio", { name: /^Generalist/, checked: true }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Who answers: Generalist" }).waitFor();
  await ask(page, GAP);
  await page.getByRole("button", { name: "Receipt" }).waitFor(RUN);
  await page.locator(".answer", { hasText: "5 mm" }).waitFor();
  await page.getByRole("button", { name: "Who answers: Generalist" }).waitFor();

  await page.getByRole("button", { name: "Receipt" }).click();
  const receipt = page.getByRole("dialog");
  await receipt.getByText("Generalist").waitFor();
  await receipt.getByText("You chose it").waitFor();
  await assertSound(page, "a receipt of a specialist");
  await page.keyboard.press("Escape");

  await page.locator("summary", { hasText: "How this was reasoned" }).click();
  await page.getByRole("list", { name: "Steps" }).getByText("Tools, turn 1").click();
  await page.getByText("A model chose this. It is not checked and no part of the answer.").waitFor();
  await assertSound(page, "a turn with tools");
  await page.getByRole("link", { name: "Open the run" }).click();
  await page.getByRole("button", { name: "Replay" }).waitFor();
  await page.locator("dt", { hasText: "Specialist" }).locator("xpath=../dd").getByText("Generalist").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a run of the playground takes a specialist among its settings, and shows it again", async () => {
  const { context, page, faults } = await visitAs("admin@joinery.example", "/agents/playground");
  await page.getByLabel("Question").fill(GAP);
  await page.locator("summary", { hasText: "Settings" }).click();
  const field = page.getByLabel("Specialist");
  assert.equal(await field.inputValue(), "");
  await page.getByText("Empty: 24,000").waitFor();
  await field.selectOption({ label: "Data analyst" });
  await page.getByText("Empty: 48,000").waitFor();
  await page.getByLabel("Token budget").fill(BUDGET);
  await assertSound(page, "settings with a specialist");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByRole("link", { name: "Open the run" }).click(RUN);
  await page.getByRole("button", { name: "Replay" }).waitFor();
  await page.locator("dt", { hasText: "Specialist" }).locator("xpath=../dd").getByText("Data analyst").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

const TOOLS_TRACE = {
  id: "01900000-0000-7000-8000-000000000001", kind: "playground", question: GAP, settings: { agent: "data_analyst", budget_tokens: 48_000 },
  strategy: "direct", seed: 7, build: "0.1.0", outcome: "refused", answer: "", chunks: [], revisions: [], classification: "INTERNAL",
  export_control: "none", message_id: null, replay_of: null, tokens: { prompt_tokens: 900, cached_tokens: 0, completion_tokens: 40 },
  started_at: "2026-01-05T08:00:00Z", ended_at: "2026-01-05T08:00:09Z",
  steps: [
    {
      sequence: 1, name: "observe.1/tools.1", kind: "observe", prompt_hash: null, seed: 7, model: null, tier: "standard",
      tokens: { prompt_tokens: 900, cached_tokens: 0, completion_tokens: 40 }, first_token_ms: 1, elapsed_ms: 900, verdicts: [],
      output: JSON.stringify({
        said: "I look the gap up.",
        calls: [
          {
            tool: "search_documents", arguments: '{"query":"riving knife gap","limit":3}', outcome: "ok",
            result: '<tool_result id="1">\n{"passages":[{"document":"SAW-1","page":1,"text":"The gap is <b>5 mm</b>.\\nIt is checked each wee…',
          },
          { tool: "calculate", arguments: '{"expr":"5 mm"}', outcome: "tool_arguments_invalid", result: "error (tool_arguments_invalid): the arguments do not fit" },
        ],
      }),
    },
  ],
};

test("what a specialist called can be read: the tool, what it was given, how it went and what came back", async () => {
  const { context, page, faults } = await visitAs("operator@plant.example", "/ask");
  await page.route("**/api/v1/playground/traces/*", (route) => route.fulfill({ json: TOOLS_TRACE }));
  await page.goto(`${appliance.url}/agents/playground/traces/${TOOLS_TRACE.id}`);
  await page.getByText("Tools, turn 1").click();
  const calls = page.getByRole("list", { name: "Tools called" }).getByRole("listitem");
  await calls.nth(0).getByText("Search documents").waitFor();
  await calls.nth(0).getByText("query: riving knife gap").waitFor();
  await calls.nth(0).getByText("Done", { exact: true }).waitFor();
  await calls.nth(1).getByText("What it was given does not fit").waitFor();
  assert.ok(!(await calls.nth(0).getByText("The gap is").isVisible()), "results are folded away at first");
  await calls.nth(0).locator("summary", { hasText: "Result" }).focus();
  await page.keyboard.press("Enter");
  await calls.nth(0).getByText("text: The gap is <b>5 mm</b>.").waitFor();
  assert.equal(await calls.locator("b").count(), 0);
  await assertSound(page, "calls of tools");
  assert.deepEqual(faults, []);
  await context.close();
});
