import { createContext, useContext } from "react";
import type { SourceTarget } from "./target";

export interface Sources {
  /** What is shown, and which of it. */
  targets: SourceTarget[];
  index: number;
  open: (targets: SourceTarget[], index: number) => void;
  close: () => void;
}

export const SourceContext = createContext<Sources | null>(null);

export function useSources(): Sources {
  const sources = useContext(SourceContext);
  if (!sources) throw new Error("there is no source panel around");
  return sources;
}
