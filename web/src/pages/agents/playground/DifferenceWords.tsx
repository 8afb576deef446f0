import type { TraceComparison } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { useStepWords } from "@/reasoning/useStepWords";
import { useTraceWords } from "./useTraceWords";

/** Where two runs part first. */
export function DifferenceWords({ difference }: { difference: TraceComparison["first_difference"] }) {
  const { t } = useTranslation();
  const step = useStepWords();
  const words = useTraceWords();
  if (!difference) return null;
  return (
    <p>
      {t("trace.first_difference", {
        number: difference.sequence,
        step: step(difference.step),
        aspect: words.aspect(difference.aspect),
      })}
    </p>
  );
}
