import type { ProblemDocument } from "./types";

/** A request that the appliance refused, with its problem document. */
export class ApiProblem extends Error {
  readonly document: ProblemDocument;
  /** When the same request may succeed, if the appliance says so. */
  readonly retryAfterS: number | null;

  constructor(document: ProblemDocument, retryAfterS: number | null = null) {
    super(document.title);
    this.name = "ApiProblem";
    this.document = document;
    this.retryAfterS = retryAfterS;
  }

  get code(): string {
    return this.document.code;
  }
}

/** No answer came at all. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("the appliance does not answer");
    this.name = "Unreachable";
    this.cause = cause;
  }
}

function isProblemDocument(value: unknown): value is ProblemDocument {
  return typeof value === "object" && value !== null && "code" in value && "title" in value;
}

/** The problem that a failed answer carries, whoever it came from. */
export function problemOf(status: number, body: unknown, retryAfter: string | null): ApiProblem {
  const seconds = Number(retryAfter);
  const retryAfterS = retryAfter && Number.isFinite(seconds) ? seconds : null;
  if (isProblemDocument(body)) return new ApiProblem(body, retryAfterS);
  // Something between browser and appliance answered.
  const document = { type: "", code: "unknown", title: "", detail: `HTTP ${status}`, status };
  return new ApiProblem(document, retryAfterS);
}

/** Whether `error` is a problem with one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): error is ApiProblem {
  return error instanceof ApiProblem && codes.includes(error.code);
}
