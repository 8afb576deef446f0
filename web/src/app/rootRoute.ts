import { createRootRoute } from "@tanstack/react-router";
import { NotFound } from "@/shell/NotFound";
import { Shell } from "@/shell/Shell";

export const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

/** Those of the search parameters that are there. */
export const texts =
  <K extends string>(...names: K[]) =>
  (search: Record<string, unknown>): Partial<Record<K, string>> => {
    const found: Partial<Record<K, string>> = {};
    for (const name of names) {
      const value = search[name];
      if (value !== undefined && value !== "") found[name] = String(value);
    }
    return found;
  };
