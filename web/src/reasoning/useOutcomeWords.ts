import { useTranslation } from "@/i18n/useTranslation";

/** How tools went: a word of its own, or that of a problem; a code that nobody knows is shown as it is. */
export function useOutcomeWords(): (outcome: string) => string {
  const { t, i18n } = useTranslation();
  const say = t as (key: string) => string;
  return (outcome) => {
    const key = [`tool_outcome.${outcome}`, `problem.${outcome}.title`].find((one) => i18n.exists(one));
    return key ? say(key) : outcome;
  };
}
