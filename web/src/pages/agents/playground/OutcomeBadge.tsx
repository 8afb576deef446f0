import { Badge } from "@/ui/Badge";
import { useTraceWords } from "./useTraceWords";

/** How a run ended. */
export function OutcomeBadge({ outcome }: { outcome: string }) {
  const words = useTraceWords();
  const tone = outcome === "answered" ? "good" : outcome === "refused" ? "warn" : "bad";
  return <Badge tone={tone}>{words.outcome(outcome)}</Badge>;
}
