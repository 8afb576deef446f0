import type { ApiProblem } from "@/api/problem";

/** What the appliance says of a field, or of something in it (`tools[0]`). */
export function faultOf(problem: ApiProblem | null, field: string): string | null {
  const errors = problem?.document.errors ?? [];
  const within = [`${field}[`, `${field}.`];
  const found = errors.find((error) => error.field === field || within.some((start) => error.field.startsWith(start)));
  return found?.reason ?? null;
}
