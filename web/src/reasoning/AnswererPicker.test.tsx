import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { afterEach, beforeAll, expect, it, vi } from "vitest";
import { speak, startLanguages, withWords } from "@/i18n";
import { agentCalled, signedIn } from "@/testing/signedIn";
import { AnswererPicker } from "./AnswererPicker";

const MODELS = { data: [{ id: "millwright", kind: "documents" }, { id: "millwright-light", kind: "tier" }] };
const AGENTS = { items: [agentCalled("data_analyst"), agentCalled("plumber", { changed: ["title"] })] };
const EVERYTHING = { "/v1/models": MODELS, "/api/v1/agents": AGENTS };
const MAY = ["chat.send", "agents.read"];

beforeAll(async () => {
  vi.stubGlobal("ResizeObserver", class { observe() {} unobserve() {} disconnect() {} });
  await startLanguages();
  await speak("en");
  // The menu's code comes with the first hand; on a busy machine that takes its time.
  await withWords(["agents"], () => import("@/ui/MenuParts"))();
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const chosen: (string | undefined)[] = [];

function Held() {
  const [agent, setAgent] = useState<string>();
  const change = (next: string | undefined) => {
    chosen.push(next);
    setAgent(next);
  };
  return <AnswererPicker agent={agent} onChange={change} />;
}

/** The picker, opened once so many requests were made and answered. */
async function opened(permissions: string[], answers: Record<string, unknown>, requests: number) {
  chosen.length = 0;
  const { Around, asked, client } = signedIn(permissions, answers);
  render(<Held />, { wrapper: Around });
  // Nothing is asked for before somebody reaches for it.
  expect(asked).not.toHaveBeenCalled();
  fireEvent.focus(screen.getByRole("button", { name: /^Who answers/ }));
  await waitFor(() => {
    expect(asked).toHaveBeenCalledTimes(requests);
    expect(client.isFetching()).toBe(0);
  });
  fireEvent.click(screen.getByRole("button", { name: /^Who answers/ }));
  await screen.findByRole("menuitemradio", { name: /^Automatic/ });
}

const names = () => screen.getAllByRole("menuitemradio").map((item) => item.textContent?.replace("✓", ""));

it("offers the specialists below the ways of answering, with what they are for", async () => {
  await opened(MAY, EVERYTHING, 2);
  expect(await screen.findByRole("group", { name: "Specialists" })).toBeTruthy();
  expect(names().slice(4)).toEqual([expect.stringMatching(/^Data analystWorks with numbers/), "Title of plumberPurpose of plumber"]);
  expect(screen.getByRole("menuitemradio", { name: /^Automatic/ }).textContent).toContain("the appliance chooses the specialist");
  fireEvent.keyDown(screen.getByRole("menuitemradio", { name: /^Data analyst/ }), { key: "Enter" });
  expect(chosen).toEqual(["data_analyst"]);
  expect(screen.getByRole("menuitemradio", { name: /^Data analyst/ }).getAttribute("aria-checked")).toBe("true");
  fireEvent.keyDown(screen.getByRole("menuitemradio", { name: /^Automatic/ }), { key: "Enter" });
  expect(chosen).toEqual(["data_analyst", undefined]);
});

it.each<[string, string[], Record<string, unknown>, number]>([
  ["without a model", MAY, { ...EVERYTHING, "/v1/models": { data: [MODELS.data[0]] } }, 1],
  ["without the right to know agents", ["chat.send"], EVERYTHING, 1],
  ["when the list fails", MAY, { "/v1/models": MODELS }, 2],
  ["when the list is empty", MAY, { ...EVERYTHING, "/api/v1/agents": { items: [] } }, 2],
])("offers the ways of answering alone %s", async (_, permissions, answers, requests) => {
  await opened(permissions, answers, requests);
  expect(names()).toHaveLength(4);
  expect(screen.getByRole("menuitemradio", { name: /^Automatic/ }).textContent).toMatch(/as your tenant has set$/);
  expect(screen.queryByText("Specialists")).toBeNull();
});

it("says whom one has chosen, also when the list does not come", async () => {
  const { Around } = signedIn(MAY, {});
  const { rerender } = render(<AnswererPicker agent="maintenance_advisor" onChange={() => {}} />, { wrapper: Around });
  expect(screen.getByRole("button").textContent).toContain("Maintenance advisor");
  rerender(<AnswererPicker agent="reason" onChange={() => {}} />);
  expect(screen.getByRole("button").textContent).toContain("Reasoned");
});
