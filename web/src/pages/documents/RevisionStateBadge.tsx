import type { Revision } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge, StandingBadge, type Tone } from "@/ui/Badge";

const TONES = { queued: "accent", processing: "accent", failed: "bad", cancelled: "warn" } as const satisfies Record<string, Tone>;

/** How far a revision is; once it is ready, whether it counts. */
export function RevisionStateBadge({ revision }: { revision: Revision }) {
  const { t } = useTranslation();
  if (!(revision.state in TONES)) return <StandingBadge standing={revision.standing} />;
  const state = revision.state as keyof typeof TONES;
  return <Badge tone={TONES[state]}>{t(`revision_state.${state}`)}</Badge>;
}
