import { cleanup, render, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeAll, expect, it, vi } from "vitest";
import type { Generated } from "@/api/types";
import { speak, startLanguages, withWords } from "@/i18n";
import { agentCalled, signedIn } from "@/testing/signedIn";
import { GeneratedFacts } from "./GeneratedFacts";

beforeAll(async () => {
  await startLanguages();
  await withWords(["agents"], () => Promise.resolve())();
  await speak("de");
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const Row = ({ label, children }: { label: string; children: ReactNode }) => <div aria-label={label} role="group">{children}</div>;

function shown(agent: Generated["agent"], answers: Record<string, unknown> = {}) {
  const { Around, asked } = signedIn(["agents.read"], answers);
  const router = { tier: "standard", reasons: ["an administrator has fixed the tier to standard"], pinned: true };
  const tokens = { prompt_tokens: 10, cached_tokens: 0, completion_tokens: 2 };
  const generated: Generated = { model_name: "Cogwheel", tier: "standard", router, tokens, seed: 1, check: "literal-1", struck: [], tries: 1, agent };
  render(<GeneratedFacts generated={generated} Row={Row} />, { wrapper: Around });
  return { asked };
}

it("names the agent and why it took part, in the reader's language", () => {
  shown({ agent: "maintenance_advisor", reason: 'the task speaks of "lager", "heiß"', pinned: false });
  expect(screen.getByLabelText("Fachkraft").textContent).toBe("InstandhaltungsberatungIn der Frage kommt vor: „lager“, „heiß“");
  expect(screen.getByLabelText("Warum diese Stufe").textContent).toBe("Von der Administration festgelegt: Standardstufe");
});

it("calls the agent as the tenant does, and leaves a reason as it is that nobody knows", async () => {
  const items = [agentCalled("generalist", { title: "Hausgeist", changed: ["title"] })];
  shown({ agent: "generalist", reason: "the moon is full", pinned: true }, { "/api/v1/agents": { items } });
  expect(await screen.findByText("Hausgeist")).toBeTruthy();
  expect(screen.getByLabelText("Fachkraft").textContent).toContain("the moon is full");
  expect(screen.getByLabelText("Warum diese Stufe").textContent).toContain("Von der Fachkraft oder der Administration");
});

it("says nothing of agents where none took part", () => {
  const { asked } = shown(undefined);
  expect(screen.queryByLabelText("Fachkraft")).toBeNull();
  expect(asked).not.toHaveBeenCalled();
});
