import { useMemo } from "react";
import type { StepEvent } from "@/api/stream";
import { useTranslation } from "@/i18n/useTranslation";
import { ReasoningFold } from "./ReasoningFold";
import { StepList } from "./StepList";
import { stepsOf, tokensOf } from "./steps";

interface Props {
  events: readonly StepEvent[];
  /** Whether it goes on. */
  live: boolean;
}

/** What is being observed, thought and checked, as it happens. */
export function LivePanel({ events, live }: Props) {
  const { t } = useTranslation();
  const steps = useMemo(() => stepsOf(events), [events]);
  const tokens = tokensOf(steps);
  return (
    <ReasoningFold title={live ? t("reasoning.live") : t("reasoning.title")} steps={steps.length} tokens={tokens} open>
      <StepList steps={steps} />
    </ReasoningFold>
  );
}
