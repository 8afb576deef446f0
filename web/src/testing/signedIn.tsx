// For tests of components alone: somebody is signed in, and the appliance answers what it is told to.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { api } from "@/api/client";
import type { Agent, Me } from "@/api/types";
import { sessionOptions } from "@/app/session";

/** An agent as it comes. */
export const agentCalled = (name: string, more: Partial<Agent> = {}): Agent => ({
  name,
  title: `Title of ${name}`,
  purpose: `Purpose of ${name}`,
  instructions: "",
  tools: [],
  tier: "standard",
  ceiling: "RESTRICTED",
  turns: 8,
  answer_tokens: 1000,
  signals: [],
  examples: [],
  changed: [],
  ...more,
});

/** What stands around a component below the gate. Reads give `answers` by their path; what is not among them fails. */
export function signedIn(permissions: string[], answers: Record<string, unknown>) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  client.setQueryData(sessionOptions.queryKey, { gate: "open", me: { permissions } as unknown as Me });
  const asked = vi.spyOn(api, "GET").mockImplementation(((path: string) => {
    const found = path in answers;
    return Promise.resolve({ data: answers[path], response: new Response(null, { status: found ? 200 : 500 }) });
  }) as never);
  const Around = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  return { Around, asked, client };
}
