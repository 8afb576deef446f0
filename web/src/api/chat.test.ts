import { afterEach, expect, it, vi } from "vitest";
import { ask } from "./chat";
import { ApiProblem, Unreachable } from "./problem";

const event = (number: number, name: string, data: object) => `event: ${name}\nid: s:${number}\ndata: ${JSON.stringify(data)}\n\n`;

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
  return new Response(body, { status: 200, headers: { "Content-Type": "text/event-stream" } });
}

const listener = () => {
  const heard: string[] = [];
  return {
    heard,
    stage: (stage: string) => heard.push(stage),
    token: (text: string) => heard.push(text),
    citation: () => heard.push("citation"),
    step: ({ name }: { name: string }) => heard.push(name),
  };
};

afterEach(() => vi.unstubAllGlobals());

it("takes a stream that broke up again where it was", async () => {
  const asked: (string | null)[] = [];
  const answers = [
    streamed(event(1, "status", { stage: "reading" }) + event(2, "token", { text: "3 " }), true),
    streamed(event(3, "step.started", { step: "write" }) + event(4, "token", { text: "mm" }) + event(5, "done", { text: "3 mm" })),
  ];
  vi.stubGlobal("fetch", async (_url: string, init: RequestInit) => {
    asked.push(new Headers(init.headers).get("Last-Event-ID"));
    return answers.shift();
  });
  const heard = listener();
  const answer = await ask({ message: "gap?" }, heard, new AbortController().signal);
  expect(answer.text).toBe("3 mm");
  expect(heard.heard).toEqual(["reading", "3 ", "step.started", "mm"]);
  expect(asked).toEqual([null, "s:2"]);
});

it("does not ask twice when nothing of an answer has come", async () => {
  let calls = 0;
  vi.stubGlobal("fetch", async () => {
    calls += 1;
    throw new TypeError("refused");
  });
  await expect(ask({ message: "x" }, listener(), new AbortController().signal)).rejects.toBeInstanceOf(Unreachable);
  expect(calls).toBe(1);
});

it("passes on what the appliance says, before and inside the stream", async () => {
  const problem = { code: "rate_limited", title: "Too many", detail: "Wait", status: 429, type: "" };
  vi.stubGlobal("fetch", async () => Response.json(problem, { status: 429, headers: { "Retry-After": "7" } }));
  const refused = await ask({ message: "x" }, listener(), new AbortController().signal).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ApiProblem);
  expect((refused as ApiProblem).retryAfterS).toBe(7);
  vi.stubGlobal("fetch", async () => streamed(event(1, "error", { code: "model_busy", message: "Busy" })));
  const failed = await ask({ message: "x" }, listener(), new AbortController().signal).catch((error: unknown) => error);
  expect((failed as ApiProblem).code).toBe("model_busy");
});

it("ends when it is stopped", async () => {
  const control = new AbortController();
  vi.stubGlobal("fetch", async (_url: string, init: RequestInit) => {
    control.abort();
    init.signal?.throwIfAborted();
  });
  await expect(ask({ message: "x" }, listener(), control.signal)).rejects.toMatchObject({ name: "AbortError" });
});
