import { useTranslation } from "@/i18n/useTranslation";
import { Badge, type Tone } from "@/ui/Badge";

const TONES = { unknown: "plain", answers: "good", down: "bad" } as const satisfies Record<string, Tone>;

/** Whether a model on another machine answers. */
export function UpstreamBadge({ state }: { state: string }) {
  const { t } = useTranslation();
  const known = (state in TONES ? state : "unknown") as keyof typeof TONES;
  return <Badge tone={TONES[known]}>{t(`models.upstream.state.${known}`)}</Badge>;
}
