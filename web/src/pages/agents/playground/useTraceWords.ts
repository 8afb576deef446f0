import { useTranslation } from "@/i18n/useTranslation";

/** What kinds of runs, strategies and ends are called. */
export function useTraceWords() {
  const { t, i18n } = useTranslation();
  const say = t as (key: string) => string;
  const known = (key: string, otherwise: string) => (i18n.exists(key) ? say(key) : otherwise);
  return {
    kind: (kind: string) => known(`trace_kind.${kind}`, kind),
    strategy: (strategy: string) => known(`strategy.${strategy}`, strategy),
    /** An end is a word of its own, or the code of what went wrong. */
    outcome: (outcome: string) => known(`trace_outcome.${outcome}`, known(`problem.${outcome}.title`, outcome)),
    aspect: (aspect: string) => known(`trace_aspect.${aspect}`, aspect),
    tier: (tier: string) => known(`tier_name.${tier}`, tier),
  };
}
