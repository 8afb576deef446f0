import { expect, it } from "vitest";
import { knowsAll, toolTurn, withoutTools } from "./toolTurn";

const call = { tool: "calculate", arguments: '{"expression":"1+1"}', outcome: "ok", result: '<tool_result id="1">\n{"text":"2"}\n</tool_result>' };

it("tells what was called, without the marks around results", () => {
  const turn = toolTurn(JSON.stringify({ said: " Let me see. ", calls: [call] }));
  expect(turn).toEqual({ said: "Let me see.", calls: [{ ...call, result: '{"text":"2"}' }] });
  const cut = toolTurn(JSON.stringify({ said: "", calls: [{ ...call, result: '<tool_result id="12">\n{"te…' }] }));
  expect(cut?.calls[0]?.result).toBe('{"te…');
});

it("knows when a model has nothing left to find out", () => {
  const said = (text: string) => toolTurn(JSON.stringify({ said: text, calls: [] }));
  expect([said("NOTHING"), said("NOTHING.")].map((turn) => turn && knowsAll(turn))).toEqual([true, true]);
  expect(knowsAll(said("NOTHING is known of P-7.") ?? { said: "NOTHING", calls: [] })).toBe(false);
});

it("knows why a run went on without tools", () => {
  expect(withoutTools('{"tools":"prompt_too_long"}')).toBe("prompt_too_long");
  expect(withoutTools('{"facts":[],"searches":[]}')).toBeNull();
});

it("leaves the outputs of other steps to others", () => {
  expect(toolTurn('{"facts":[],"searches":[]}')).toBeNull();
  expect(toolTurn("NOTHING")).toBeNull();
  expect(toolTurn('{"said":"x","calls":[{"tool":')).toBeNull();
});

it("does not mind fields that are missing or of another kind", () => {
  expect(toolTurn('{"calls":[null,{"tool":7}]}')).toEqual({ said: "", calls: [{ tool: "", arguments: "", outcome: "", result: "" }] });
});
