import { afterEach, expect, it, vi } from "vitest";
import { ApiProblem } from "@/api/problem";
import { followRun, type RunEvent } from "./followRun";
import { after } from "./useFollowRun";

const event = (number: number, name: string, data: object) => `event: ${name}\nid: ${number}\ndata: ${JSON.stringify(data)}\n\n`;

/** A response that sends `text` and then ends, or breaks. */
function streamed(text: string, breaks = false): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      if (!breaks) controller.close();
    },
    pull(controller) {
      if (breaks) controller.error(new TypeError("network error"));
    },
  });
  return new Response(body, { status: 200 });
}

const refused = (status: number, code: string) =>
  new Response(JSON.stringify({ type: "", code, title: code, detail: "", status }), { status });

/** Answers one after the other; returns what was asked for and what was heard. */
async function follow(answers: (Response | Error)[], signal = new AbortController().signal) {
  const asked: (string | null)[] = [];
  const heard: string[] = [];
  vi.stubGlobal("fetch", async (_url: string, init: RequestInit) => {
    asked.push(new Headers(init.headers).get("Last-Event-ID"));
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const done = followRun("r", ({ name }) => heard.push(name), signal);
  // Attached at once, so that a refusal is not an unhandled one while time is moved on.
  const outcome = done.then(
    () => null,
    (error: unknown) => error,
  );
  await vi.runAllTimersAsync();
  return { asked, heard, error: await outcome };
}

vi.useFakeTimers();
afterEach(() => vi.unstubAllGlobals());

it("takes a stream up behind the last event until the run has ended", async () => {
  const { asked, heard, error } = await follow([
    streamed(event(1, "run.started", {}) + event(2, "step.started", { step: "a" }), true),
    new TypeError("away"),
    refused(429, "too_many_streams"),
    streamed(event(2, "heartbeat", {})),
    streamed(event(3, "step.finished", { step: "a" }) + event(4, "run.ended", { state: "done" })),
  ]);
  expect(error).toBeNull();
  expect(heard).toEqual(["run.started", "step.started", "step.finished", "run.ended"]);
  expect(asked).toEqual([null, "2", "2", "2", "2"]);
});

it("passes on what the appliance refuses for good", async () => {
  const { error } = await follow([refused(404, "workflow_run_not_found")]);
  expect(error).toBeInstanceOf(ApiProblem);
});

it("stops quietly when nobody looks any more", async () => {
  const control = new AbortController();
  control.abort();
  const { error, asked } = await follow([new DOMException("aborted", "AbortError")], control.signal);
  expect(error).toBeNull();
  expect(asked).toHaveLength(1);
});

it("knows which steps are under way", () => {
  const events: RunEvent[] = [
    { name: "step.started", data: { step: "a" } },
    { name: "step.started", data: { step: "b" } },
    { name: "step.finished", data: { step: "a" } },
  ];
  const running = events.reduce(after, new Set<string>() as ReadonlySet<string>);
  expect([...running]).toEqual(["b"]);
  // The appliance was started anew: what was under way begins again.
  expect([...after(running, { name: "run.started", data: {} })]).toEqual([]);
});
