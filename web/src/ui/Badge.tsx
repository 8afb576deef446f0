import type { ReactNode } from "react";
import { CLASSIFICATIONS, type Classification } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { cx } from "./cx";

const TONES = {
  plain: "bg-sunken text-ink border-line",
  good: "bg-good-soft text-good border-transparent",
  warn: "bg-warn-soft text-warn border-transparent",
  bad: "bg-bad-soft text-bad border-transparent",
  accent: "bg-accent-soft text-accent border-transparent",
} as const;

export type Tone = keyof typeof TONES;

export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span className={cx("inline-flex items-center gap-1 rounded-sm border px-1.5 py-0.5 text-xs font-medium whitespace-nowrap", TONES[tone])}>
      {children}
    </span>
  );
}

const CLASSIFICATION_TONES: Record<Classification, Tone> = {
  PUBLIC: "plain",
  INTERNAL: "plain",
  CONFIDENTIAL: "warn",
  RESTRICTED: "bad",
};

const known = (text: string): Classification | undefined => CLASSIFICATIONS.find((one) => one === text);

/** The label that text carries: how secret, and whether export-controlled. */
export function LabelBadges({ classification, exportControl }: { classification: string; exportControl?: string }) {
  const { t } = useTranslation();
  const one = known(classification);
  return (
    <>
      <Badge tone={one ? CLASSIFICATION_TONES[one] : "plain"}>{one ? t(`classification.${one}`) : classification}</Badge>
      {exportControl === "controlled" && <Badge tone="bad">{t("export_control.controlled")}</Badge>}
    </>
  );
}

const STANDING_TONES = {
  not_ready: "accent",
  upcoming: "accent",
  valid: "good",
  expired: "warn",
  superseded: "warn",
  withdrawn: "bad",
} as const satisfies Record<string, Tone>;

type Standing = keyof typeof STANDING_TONES;

/** Whether a revision counts now. */
export function StandingBadge({ standing }: { standing: string }) {
  const { t } = useTranslation();
  if (!(standing in STANDING_TONES)) return <Badge>{standing}</Badge>;
  const one = standing as Standing;
  return <Badge tone={STANDING_TONES[one]}>{t(`standing.${one}`)}</Badge>;
}
