import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeAll, expect, it, vi } from "vitest";
import { speak, startLanguages, withWords } from "@/i18n";
import { DocumentFilterBar } from "./DocumentFilterBar";

beforeAll(async () => {
  await startLanguages();
  await withWords(["more"], () => Promise.resolve(null))();
  await speak("en");
});
afterEach(cleanup);

it("asks for type and validity as the appliance calls them, and for any again", () => {
  const onChange = vi.fn();
  render(<DocumentFilterBar filters={{ format: "pdf", standing: "valid", tag: "pumps" }} onChange={onChange} />);
  const [type, validity] = [screen.getByLabelText<HTMLSelectElement>("Type"), screen.getByLabelText<HTMLSelectElement>("Validity")];
  expect([type.value, validity.value]).toEqual(["pdf", "valid"]);
  expect([...type.options].map(({ value }) => value)).toEqual(["", "pdf", "docx", "markdown", "text"]);
  expect([...validity.options].map(({ value }) => value)).toEqual(["", "valid", "upcoming", "expired", "superseded", "withdrawn", "not_ready"]);
  fireEvent.change(validity, { target: { value: "withdrawn" } });
  fireEvent.change(type, { target: { value: "" } });
  expect(onChange.mock.calls).toEqual([[{ standing: "withdrawn" }], [{ format: undefined }]]);
});
