import { expect, it } from "vitest";
import type { Answer, Citation, Message } from "@/api/types";
import { piecesOf } from "./cited";
import { toMarkdown } from "./markdown";
import { messagesOf, turnsOf } from "./turn";

const citation: Citation = {
  number: 1,
  document_id: "d",
  document_key: "PN-7",
  document_title: "Pump *note*",
  revision_id: "r",
  revision_number: 2,
  chunk_id: 5,
  page: 3,
  heading_path: [],
  quote: "The gap is 3 mm.",
  boxes: [],
  score: 0.9,
  classification: "INTERNAL",
  export_control: "none",
};

it("cuts answers at citations that there are, and leaves other brackets alone", () => {
  expect(piecesOf("Gap 3 mm [1]. See [4] and a[2]", new Set([1, 2]))).toEqual([
    { text: "Gap 3 mm" },
    { number: 1 },
    { text: ". See [4] and a" },
    { number: 2 },
  ]);
});

const answer = {
  conversation_id: "c",
  question_id: "q1",
  message_id: "a1",
  text: "The gap is 3 mm. [1]",
  citations: [citation],
  nearest: [],
  refusal: null,
  classification: "INTERNAL",
  export_control: "none",
  receipt: { audit_index: 4, nearest: [] },
  created_at: "2026-01-01T00:00:00Z",
} as unknown as Answer;

it("shows a fresh answer like one that is read later", () => {
  const [turn] = turnsOf(messagesOf("Gap?", answer, 1));
  expect(turn?.question).toBe("Gap?");
  expect(turn?.answer?.citations).toEqual([citation]);
  expect(turn?.answer?.receipt?.audit_index).toBe(4);
});

it("finds the nearest passages of a refusal in its receipt, with their label", () => {
  const message = (author: string, more: object): Message =>
    ({ id: author, author, text: "", citations: [], created_at: "", withheld: false, sequence: 1, classification: "", export_control: "", ...more }) as Message;
  const near = { chunk_id: 1, excerpt: "x", label: { classification: "CONFIDENTIAL", export_control: "controlled" } };
  const [turn] = turnsOf([message("person", {}), message("appliance", { refusal: "not_in_documents", receipt: { audit_index: 1, nearest: [near] } })]);
  expect(turn?.answer?.refused).toBe(true);
  expect(turn?.answer?.nearest[0]).toMatchObject({ excerpt: "x", classification: "CONFIDENTIAL", export_control: "controlled" });
});

it("exports quotes with their place, and nothing as markup that was text", () => {
  const turns = turnsOf(messagesOf("Gap_of <P-7>?", answer, 1));
  const words = { refused: "no", sources: "Sources", place: ({ page }: { page: number }) => `page ${page}` };
  const text = toMarkdown("T", turns, words);
  expect(text).toContain("## Gap\\_of \\<P-7\\>?");
  expect(text).toContain("1. Pump \\*note\\* (PN-7), page 3, INTERNAL");
  expect(text).toContain("> The gap is 3 mm.");
});
