import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, it, vi } from "vitest";
import { useFollowRun } from "./useFollowRun";
import { runKey } from "./useWorkflows";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("reads a run anew whose first reading was under way when something happened", async () => {
  const client = new QueryClient();
  const Around = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  const text = 'event: run.waiting\nid: 1\ndata: {"state":"waiting"}\n\n';
  let asked = 0;
  // The stream tells everything at once, and stays open.
  vi.stubGlobal("fetch", async () => {
    asked += 1;
    const body = new ReadableStream<Uint8Array>({ start: (stream) => stream.enqueue(new TextEncoder().encode(text)) });
    return new Response(body, { status: 200 });
  });
  // The first reading was begun before that, and comes in after it.
  const answers = [
    new Promise<string>((resolve) => setTimeout(() => resolve("running"), 200)),
    Promise.resolve("waiting"),
  ];
  const { result } = renderHook(
    () => {
      useFollowRun("r", true);
      return useQuery({ queryKey: runKey("r"), queryFn: () => answers.shift() ?? Promise.reject(new Error("asked too often")) }).data;
    },
    { wrapper: Around },
  );
  await waitFor(() => expect(result.current).toBe("waiting"));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(result.current).toBe("waiting");
  expect([asked, answers.length]).toEqual([1, 0]);
});
