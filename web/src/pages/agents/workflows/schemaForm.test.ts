import { describe, expect, it } from "vitest";
import { controlOf, draftOf, faultsOf, fieldsOf, valueOf, type Draft, type JsonSchema } from "./schemaForm";

const documents: JsonSchema = {
  type: "object",
  required: ["question", "documents"],
  properties: {
    depth: { type: "integer", minimum: 1, default: 2 },
    documents: { type: "array", minItems: 2, maxItems: 12, items: { type: "string", maxLength: 200 } },
    question: { type: "string", maxLength: 4000 },
    strict: { type: "boolean" },
    tier: { enum: ["light", 7] },
  },
};

describe("a form for a schema", () => {
  it("has the control that fits each value", () => {
    const kinds = fieldsOf(documents).map(([name, one]) => `${name}: ${controlOf(one)}`);
    expect(kinds).toEqual(["question: long", "documents: list", "depth: integer", "strict: flag", "tier: choice"]);
    expect(controlOf({ type: ["string", "null"], maxLength: 20 })).toBe("text");
    expect(controlOf({ type: ["string", "number"] })).toBe("json");
    expect(controlOf({ anyOf: [{ type: "string" }] })).toBe("json");
    expect(controlOf({})).toBe("json");
    expect(controlOf({ type: "array" })).toBe("json");
  });

  it("begins with defaults and with as many items as there must be", () => {
    expect(draftOf(documents)).toEqual({ question: "", documents: ["", ""], depth: "2", strict: false, tier: "" });
  });

  it("sends what was entered in its type, and leaves out what was not", () => {
    const draft: Draft = { question: "Gap?", documents: ["PN-7", "", "MM-1"], depth: "3", strict: true, tier: "7" };
    expect(valueOf(documents, draft)).toEqual({ question: "Gap?", documents: ["PN-7", "MM-1"], depth: 3, strict: true, tier: 7 });
    expect(valueOf(documents, draftOf(documents))).toEqual({ documents: [], depth: 2, strict: false });
  });

  it("takes JSON where nothing else fits, and passes on what is none", () => {
    expect(valueOf({}, '{"a": 1}')).toEqual({ a: 1 });
    expect(valueOf({}, "just words")).toBe("just words");
    expect(valueOf({}, "")).toBeUndefined();
  });

  it("knows what is wrong by its path", () => {
    expect(faultsOf([{ field: "input.documents[1]", reason: "too long" }]).get("input.documents[1]")).toBe("too long");
  });
});
