import { useTranslation } from "@/i18n/useTranslation";
import { usePerspective } from "./usePerspective";
import { stepName } from "./stepName";

/** What a step is called, in the reader's language. */
export function useStepWords(): (name: string) => string {
  const { t } = useTranslation();
  const perspective = usePerspective();
  return (name) => {
    const { part, number, round, who } = stepName(name);
    if (part === "other") return name;
    const words = [t(`reason_step.${part}`, { number: number ?? "", who: who ? perspective(who) : "" })];
    if (round !== null && round > 1) words.push(t("reason_step.round", { round }));
    return words.join(", ");
  };
}
