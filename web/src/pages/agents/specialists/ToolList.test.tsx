import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeAll, expect, it, vi } from "vitest";
import { speak, startLanguages, withWords } from "@/i18n";
import { signedIn } from "@/testing/signedIn";
import { ToolList } from "./ToolList";

beforeAll(async () => {
  await startLanguages();
  await withWords(["agents"], () => Promise.resolve())();
  await speak("de");
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const tool = (name: string, side_effect: string) => ({ name, side_effect, description: `English words about ${name}.`, ceiling: "RESTRICTED", parameters: {} });

it("says what each tool does and what that does to the world, by the appliance's words where no catalogue knows it", async () => {
  const items = [tool("read_page", "read"), tool("order_parts", "propose"), tool("forge", "transmute")];
  const { Around } = signedIn([], { "/api/v1/tools": { items } });
  render(<ToolList tools={["read_page", "order_parts", "forge", "gone"]} />, { wrapper: Around });
  await screen.findByText(/English words about order_parts/);
  const told = screen.getAllByRole("listitem").map((item) => item.textContent);
  expect(told).toEqual([
    "Seite lesenLiest eine ganze Seite eines Dokuments. Es liest und ändert nichts.",
    "order_partsEnglish words about order_parts. Es schlägt etwas vor, dem ein Mensch zustimmen muss.",
    "forgeEnglish words about forge. transmute",
    "gone",
  ]);
});
