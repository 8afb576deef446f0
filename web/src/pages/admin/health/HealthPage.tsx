import { useQuery } from "@tanstack/react-query";
import type { components } from "@/api/schema";
import type { PartState } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge, type Tone } from "@/ui/Badge";
import { Notice } from "@/ui/Notice";
import { Section, useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";

type Readiness = components["schemas"]["Readiness"];

const REFRESH_MS = 15_000;
const TONES: Record<PartState, Tone> = { ok: "good", degraded: "warn", failed: "bad" };
const PARTS = [
  "store", "key", "certificate", "parse_cage", "model_worker", "language_models", "model_cage", "disk", "clock", "witness",
] as const;

/** Not ready is an answer too, with the same body. */
async function look(signal: AbortSignal): Promise<Readiness> {
  const response = await fetch("/health/ready", { signal, cache: "no-store" });
  return (await response.json()) as Readiness;
}

/** Each part of the appliance, how it is, and what to do about it. */
export function HealthPage() {
  const { t } = useTranslation();
  useTitle(t("admin.health"));
  const health = useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => look(signal),
    refetchInterval: REFRESH_MS,
  });
  if (health.isPending) return <Skeleton lines={6} />;
  if (health.isError) return <ProblemNotice error={health.error} />;
  const { state, parts } = health.data;
  const named = (name: string) => {
    const known = PARTS.find((part) => part === name);
    return known ? t(`health.part.${known}`) : name;
  };
  return (
    <Section title={t("health.title")} actions={<Badge tone={TONES[state]}>{t(`health.${state}`)}</Badge>}>
      <ul className="flex flex-col">
        {parts.map((part) => (
          <li key={part.name} className="flex flex-col gap-2 border-b py-3 last:border-0">
            <p className="flex flex-wrap items-center gap-2">
              <span className="grow font-medium">{named(part.name)}</span>
              <Badge tone={TONES[part.state]}>{t(`health.${part.state}`)}</Badge>
            </p>
            <p className="text-muted">{part.detail}</p>
            {part.action && <Notice tone={part.state === "failed" ? "bad" : "warn"}>{part.action}</Notice>}
          </li>
        ))}
      </ul>
    </Section>
  );
}
