import { cleanup, render, screen, within } from "@testing-library/react";
import { afterEach, beforeAll, expect, it } from "vitest";
import { speak, startLanguages, withWords } from "@/i18n";
import { MembersElsewhere } from "./MembersElsewhere";
import { UpstreamSection } from "./UpstreamSection";
import type { UpstreamModel } from "./useModels";

const upstream = (name: string, more: Partial<UpstreamModel> = {}): UpstreamModel => ({
  name,
  model: "qwen2.5-7b",
  hash: "0123456789abcdef".repeat(4),
  address: "http://10.0.0.7:8000/v1",
  context_tokens: 16_384,
  tiers: ["heavy", "standard"],
  state: "answers",
  ...more,
});
const down = upstream("gpu-2", { state: "down", detail: "it can't be reached: connect_failed", tiers: ["light"] });

beforeAll(async () => {
  await startLanguages();
  await withWords(["more", "models"], () => Promise.resolve(null))();
});
afterEach(cleanup);

it("says in one line how a plant outgrows one machine when there are none", async () => {
  for (const [tag, words] of [["en", "outgrows this machine"], ["de", "überfordern"], ["cs", "přestane stačit"]] as const) {
    await speak(tag);
    render(<UpstreamSection upstreams={[]} error={null} />);
    expect(screen.getByText(/docs\/scale\.md/).textContent).toContain(words);
    expect(screen.queryByRole("list")).toBeNull();
    cleanup();
  }
});

it("shows each with its tiers from the quickest on, and why it is out of service", async () => {
  await speak("en");
  render(<UpstreamSection upstreams={[upstream("gpu-1"), down]} error={null} />);
  const [first, second] = screen.getAllByRole("listitem");
  expect(within(first!).getByRole("heading").textContent).toBe("gpu-1AnswersStandardHeavy");
  expect(first?.textContent).toContain("16,384 tokens");
  expect(within(second!).getByText("It can't be connected to")).toBeTruthy();
  expect(within(second!).getByText(/See that the server runs/)).toBeTruthy();
  expect(within(second!).getByText("it can't be reached: connect_failed").lang).toBe("en");
  expect(screen.getByText(/asked twice a minute/)).toBeTruthy();
});

it("says nothing of what happens meanwhile while all answer, and nothing at all when it is unknown who there is", async () => {
  await speak("en");
  const { rerender } = render(<UpstreamSection upstreams={[upstream("gpu-1")]} error={null} />);
  expect(screen.queryByText(/asked twice a minute/)).toBeNull();
  rerender(<UpstreamSection upstreams={undefined} error={new Error("x")} />);
  expect(screen.queryByText(/docs\/scale\.md/)).toBeNull();
  expect(screen.getByRole("alert")).toBeTruthy();
});

it("names the members of a tier that are on other machines as such", async () => {
  await speak("de");
  const { container, rerender } = render(<MembersElsewhere upstreams={[upstream("gpu-1"), down]} />);
  const list = screen.getByRole("list", { name: "Auf anderen Maschinen:" });
  expect(within(list).getAllByRole("listitem").map((item) => item.textContent)).toEqual(["gpu-1Antwortet", "gpu-2Ausgefallen"]);
  rerender(<MembersElsewhere upstreams={[]} />);
  expect(container.textContent).toBe("");
});
