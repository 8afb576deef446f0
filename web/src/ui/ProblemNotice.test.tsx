import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeAll, expect, it } from "vitest";
import { ApiProblem, Unreachable } from "@/api/problem";
import { speak, startLanguages } from "@/i18n";
import { ProblemNotice } from "./ProblemNotice";

const problem = (code: string, more: object = {}) =>
  new ApiProblem({ type: "", code, title: "English title", detail: "English detail", status: 422, ...more }, 65);

beforeAll(() => startLanguages());
afterEach(cleanup);

it("says what happened and what to do in the reader's language, with fields and reference", async () => {
  await speak("de");
  render(<ProblemNotice error={problem("login_delayed", { request_id: "r-1", errors: [{ field: "email", reason: "bad" }] })} />);
  const alert = screen.getByRole("alert");
  expect(alert.textContent).toContain("Das Passwort war zu oft falsch");
  expect(alert.textContent).toContain("email: bad");
  expect(alert.textContent).toContain("r-1");
  expect(screen.getByRole("timer").textContent).toContain("1:05");
});

it("falls back to the appliance's words for codes that no catalogue knows", async () => {
  await speak("cs");
  render(<ProblemNotice error={problem("brand_new_code")} />);
  expect(screen.getByRole("alert").textContent).toContain("English title");
});

it("says that nobody answered, and nothing when nothing failed", async () => {
  await speak("en");
  const { rerender } = render(<ProblemNotice error={new Unreachable("x")} />);
  expect(screen.getByRole("alert").textContent).toContain("does not answer");
  rerender(<ProblemNotice error={null} />);
  expect(screen.queryByRole("alert")).toBeNull();
});
