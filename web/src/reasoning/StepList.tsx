import { useTranslation } from "@/i18n/useTranslation";
import type { Step } from "./steps";
import { StepItem } from "./StepItem";

interface Props {
  steps: readonly Step[];
  /** Where two runs differ, by step. */
  differences?: readonly (string | null)[];
}

/** What was done, in the order in which it was done. */
export function StepList({ steps, differences }: Props) {
  const { t } = useTranslation();
  return (
    <ol aria-label={t("reasoning.steps")} className="flex flex-col">
      {steps.map((step, index) => (
        <StepItem key={index} step={step} difference={differences?.[index] ?? null} />
      ))}
    </ol>
  );
}
