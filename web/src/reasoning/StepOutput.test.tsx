import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeAll, expect, it } from "vitest";
import { speak, startLanguages, withWords } from "@/i18n";
import { StepOutput } from "./StepOutput";
import type { Step } from "./steps";

beforeAll(async () => {
  await startLanguages();
  await withWords(["agents"], () => Promise.resolve())();
  await speak("en");
});
afterEach(cleanup);

const step = (output: object): Step => ({
  name: "observe.1/tools.1",
  kind: "observe",
  tier: "standard",
  text: JSON.stringify(output),
  tokens: 1,
  elapsedMs: 1,
  state: "done",
  error: null,
  verdicts: [],
});

it("tells of each call the tool, what it was given, how it went, and folded away what came back", () => {
  const calls = [
    { tool: "read_page", arguments: '{"document":"PN-7","page":3}', outcome: "ok", result: '<tool_result id="1">\n{"text":"<b>3 mm</b>"}\n</tool_result>' },
    { tool: "divine", arguments: "not JSON", outcome: "tool_unknown", result: "error (tool_unknown): there is no tool of this name" },
    { tool: "read_page", arguments: "{}", outcome: "document_not_found", result: "" },
    { tool: "read_page", arguments: "{}", outcome: "brand_new_code", result: "" },
  ];
  const { container } = render(<StepOutput step={step({ said: "I look it up.", calls })} />);
  const told = screen.getAllByRole("listitem").map((item) => item.textContent);
  expect(told[0]).toContain("Read a pageDoneGiven: document: PN-7\npage: 3");
  expect(told[1]).toContain("divineThere is no such toolGiven: not JSON");
  expect(told[2]).toBe("Read a pageThere is no such document");
  expect(told[3]).toBe("Read a pagebrand_new_code");
  const folded = container.querySelectorAll("details");
  expect([...folded].map(({ open }) => open)).toEqual([false, false]);
  // What documents say is text here, whatever it looks like.
  expect(folded[0]?.textContent).toBe("Resulttext: <b>3 mm</b>");
  expect(container.querySelector("b")).toBeNull();
});

it("says so when nothing was called, and when nothing more is to be found out", () => {
  const { rerender } = render(<StepOutput step={step({ said: "Is the gap known?", calls: [] })} />);
  expect(screen.getByText("Is the gap known?")).toBeTruthy();
  expect(screen.getByText("No tool was called.")).toBeTruthy();
  rerender(<StepOutput step={step({ said: "NOTHING.", calls: [] })} />);
  expect(screen.getByText("It needs to find out nothing more.")).toBeTruthy();
  expect(screen.queryByText("NOTHING.")).toBeNull();
});

it("says why a run went on without tools", () => {
  render(<StepOutput step={step({ tools: "prompt_too_long" })} />);
  expect(screen.getByText("The model’s window has no room for tools")).toBeTruthy();
});

it("shows other steps as before", () => {
  render(<StepOutput step={step({ facts: [{}, {}], searches: [] })} />);
  expect(screen.getByText("2 facts collected")).toBeTruthy();
});
