import { useTranslation } from "@/i18n/useTranslation";
import { Badge, type Tone } from "@/ui/Badge";

const TONES = {
  queued: "accent",
  running: "accent",
  waiting: "warn",
  done: "good",
  failed: "bad",
  cancelled: "plain",
} as const satisfies Record<string, Tone>;

/** How far a run is. */
export function RunStateBadge({ state }: { state: string }) {
  const { t } = useTranslation();
  const known = (state in TONES ? state : "queued") as keyof typeof TONES;
  return <Badge tone={TONES[known]}>{t(`run_state.${known}`)}</Badge>;
}
