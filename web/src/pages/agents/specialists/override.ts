import type { Agent, AgentChange } from "@/api/types";

export type Example = Agent["examples"][number];

/** Everything about an agent that a tenant may change. */
export const FIELDS = [
  "title", "purpose", "instructions", "tools", "tier", "ceiling", "turns", "answer_tokens", "signals", "examples",
] as const;

export type Field = (typeof FIELDS)[number];
export type Values = Pick<Agent, Field>;

/** The name of the box that takes a change of a field back. */
export const takeBackName = (field: Field): string => `take_back.${field}`;

const lines = (text: FormDataEntryValue | null): string[] =>
  String(text ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

/** What stands in the form. */
export function valuesOf(data: FormData, examples: Example[]): Values {
  const text = (name: Field) => String(data.get(name) ?? "");
  return {
    title: text("title").trim(),
    purpose: text("purpose").trim(),
    // Browsers write ends of lines into forms in their own way.
    instructions: text("instructions").replace(/\r\n/g, "\n"),
    tools: data.getAll("tools").map(String),
    tier: text("tier"),
    ceiling: text("ceiling"),
    turns: Number(text("turns")),
    answer_tokens: Number(text("answer_tokens")),
    signals: lines(data.get("signals")),
    examples,
  };
}

const same = (field: Field, a: Values, b: Values): boolean => {
  // The order in which tools were ticked means nothing.
  const plain = (value: Values[Field]) => JSON.stringify(field === "tools" ? [...(value as string[])].sort() : value);
  return plain(a[field]) === plain(b[field]);
};

/**
 * The change that makes `agent` be as in `values`: what was changed before stays so unless it is
 * taken back, what is as it comes stays so unless it was edited. Nothing when nothing is left.
 */
export function changeOf(agent: Agent, values: Values, takenBack: ReadonlySet<Field>): AgentChange | null {
  const wanted = FIELDS.filter((field) => {
    if (takenBack.has(field)) return false;
    return agent.changed.includes(field) || !same(field, agent, values);
  });
  if (!wanted.length) return null;
  return Object.fromEntries(wanted.map((field) => [field, values[field]])) as AgentChange;
}
