import { MutationCache, QueryClient, onlineManager } from "@tanstack/react-query";
import { isReachable, onConnection } from "@/api/connection";
import { ApiProblem, Unreachable } from "@/api/problem";

const STALE_MS = 20_000;
const RETRIES_MAX = 3;
/** Too many requests at once: the appliance says when, and the wait is short. */
const RATE_RETRIES_MAX = 10;

/** Whether the same request may succeed a little later. */
function passes(error: unknown): boolean {
  if (error instanceof Unreachable) return true;
  return error instanceof ApiProblem && [429, 503].includes(error.document.status);
}

function retriesMax(error: unknown): number {
  return error instanceof ApiProblem && error.document.status === 429 ? RATE_RETRIES_MAX : RETRIES_MAX;
}

function retryDelay(attempt: number, error: unknown): number {
  const told = error instanceof ApiProblem ? error.retryAfterS : null;
  return told === null ? Math.min(1000 * 2 ** attempt, 15_000) : told * 1000 + 250;
}

export function makeQueryClient(): QueryClient {
  // Reads wait while the appliance is away, and are made anew when it is back.
  onlineManager.setEventListener((setOnline) => onConnection(() => setOnline(isReachable())));
  return new QueryClient({
    mutationCache: new MutationCache(),
    defaultOptions: {
      queries: {
        staleTime: STALE_MS,
        retry: (count, error) => passes(error) && count < retriesMax(error),
        retryDelay,
        refetchOnWindowFocus: false,
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}
