// Forms for JSON schemas, as far as the appliance knows them (src/agents/schema): what kind of control a
// value needs, what it begins with, and what is sent.

export interface JsonSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  anyOf?: unknown[];
  oneOf?: unknown[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  format?: string;
}

export type Control = "text" | "long" | "number" | "integer" | "flag" | "choice" | "list" | "group" | "json";

/** What somebody has entered so far: texts where the schema has numbers, and every field there. */
export type Draft = string | boolean | Draft[] | { [name: string]: Draft };

/** From this length on a text gets several lines. */
const LONG_CHARS = 300;

/** The type but for null, which an empty control stands for. */
function typeOf(schema: JsonSchema): string | null {
  const types = [schema.type ?? []].flat().filter((type) => type !== "null");
  return types.length === 1 ? types[0]! : null;
}

export function controlOf(schema: JsonSchema): Control {
  if (schema.enum) return "choice";
  if (schema.anyOf || schema.oneOf || schema.const !== undefined) return "json";
  const type = typeOf(schema);
  if (type === "string") return (schema.maxLength ?? Number.POSITIVE_INFINITY) > LONG_CHARS ? "long" : "text";
  if (type === "boolean") return "flag";
  if (type === "number" || type === "integer") return type;
  if (type === "array" && schema.items) return "list";
  if (type === "object" && schema.properties) return "group";
  return "json";
}

/** The fields of an object: those that are required in the order in which they are named, then the others. */
export function fieldsOf(schema: JsonSchema): [string, JsonSchema][] {
  const properties = schema.properties ?? {};
  const named = (schema.required ?? []).filter((name) => name in properties);
  const others = Object.keys(properties).filter((name) => !named.includes(name));
  return [...named, ...others].map((name) => [name, properties[name]!]);
}

/** What a form begins with. */
export function draftOf(schema: JsonSchema, value: unknown = schema.default ?? schema.const): Draft {
  switch (controlOf(schema)) {
    case "flag":
      return value === true;
    case "list": {
      const items = Array.isArray(value) ? value : [];
      const empty = Array.from({ length: Math.max((schema.minItems ?? 1) - items.length, 0) }, () => undefined);
      return [...items, ...empty].map((item) => draftOf(schema.items!, item));
    }
    case "group": {
      const fields = (value ?? {}) as Record<string, unknown>;
      return Object.fromEntries(fieldsOf(schema).map(([name, one]) => [name, draftOf(one, fields[name])]));
    }
    case "choice":
    case "json":
      return value === undefined ? "" : JSON.stringify(value);
    default:
      return value === undefined || value === null ? "" : String(value);
  }
}

/** What is sent; `undefined` for what was left empty. */
export function valueOf(schema: JsonSchema, draft: Draft): unknown {
  switch (controlOf(schema)) {
    case "flag":
      return draft === true;
    case "list":
      return (draft as Draft[]).map((item) => valueOf(schema.items!, item)).filter((item) => item !== undefined);
    case "group": {
      const fields = draft as Record<string, Draft>;
      const values = fieldsOf(schema).map(([name, one]) => [name, valueOf(one, fields[name]!)] as const);
      return Object.fromEntries(values.filter(([, value]) => value !== undefined));
    }
    case "number":
    case "integer":
      return draft === "" ? undefined : Number(draft);
    case "choice":
    case "json":
      return draft === "" ? undefined : parsed(String(draft));
    default:
      return String(draft).trim() === "" ? undefined : draft;
  }
}

/** What is no JSON is sent as text: the appliance says what is wrong with it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What is wrong with which field, by its path (`input.documents[1]`). */
export const faultsOf = (errors: readonly { field: string; reason: string }[]): Map<string, string> =>
  new Map(errors.map(({ field, reason }) => [field, reason]));
