import { useTranslation } from "@/i18n/useTranslation";
import { Badge, type Tone } from "@/ui/Badge";

const TONES = { none: "plain", waiting: "accent", running: "accent", failed: "bad", passed: "good" } as const satisfies Record<string, Tone>;

/** How a model's trial stands. */
export function TrialBadge({ state }: { state: string }) {
  const { t } = useTranslation();
  const known = (state in TONES ? state : "none") as keyof typeof TONES;
  return <Badge tone={TONES[known]}>{t(`models.trial.${known}`)}</Badge>;
}
