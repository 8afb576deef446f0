// What came of a turn with tools, as its step keeps it: what the model said, and what it called.
import { isObject, parsed } from "./legible";

export interface ToolCall {
  tool: string;
  /** As the model wrote them, JSON as a rule. */
  arguments: string;
  /** `ok`, or the code of what went wrong. */
  outcome: string;
  /** What went back to the model. */
  result: string;
}

export interface ToolTurn {
  said: string;
  calls: ToolCall[];
}

const FENCE = /^<tool_result id="\d+">\n?|\n?<\/tool_result>$/g;

/** What a model writes that has nothing left to find out. */
const NOTHING_UNKNOWN = /^NOTHING\.*$/;

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function callOf(call: Record<string, unknown>): ToolCall {
  return {
    tool: text(call.tool),
    arguments: text(call.arguments),
    outcome: text(call.outcome),
    // The marks tell the model where foreign text ends; nobody else needs them.
    result: text(call.result).replace(FENCE, ""),
  };
}

/** The turn that a step's output tells of; nothing when it is something else. */
export function toolTurn(output: string): ToolTurn | null {
  const whole = parsed(output);
  if (!isObject(whole) || !Array.isArray(whole.calls)) return null;
  return { said: text(whole.said).trim(), calls: whole.calls.filter(isObject).map(callOf) };
}

/** Why a run went on without tools, as a code; nothing when `output` tells of something else. */
export function withoutTools(output: string): string | null {
  const whole = parsed(output);
  return isObject(whole) && typeof whole.tools === "string" ? whole.tools : null;
}

/** Whether the model says that it needs to find out nothing more. */
export const knowsAll = ({ said }: ToolTurn): boolean => NOTHING_UNKNOWN.test(said);
