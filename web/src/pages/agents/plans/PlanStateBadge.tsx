import { useTranslation } from "@/i18n/useTranslation";
import { Badge, type Tone } from "@/ui/Badge";

const TONES = {
  proposed: "warn",
  rejected: "plain",
  running: "accent",
  done: "good",
  failed: "bad",
  cancelled: "plain",
} as const satisfies Record<string, Tone>;

/** How far a plan is. */
export function PlanStateBadge({ state }: { state: string }) {
  const { t } = useTranslation();
  const known = (state in TONES ? state : "proposed") as keyof typeof TONES;
  return <Badge tone={TONES[known]}>{t(`plan_state.${known}`)}</Badge>;
}
