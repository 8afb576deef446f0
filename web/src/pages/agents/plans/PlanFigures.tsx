import { useDuration } from "@/i18n/duration";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { LabelBadges } from "@/ui/Badge";
import type { Plan } from "./usePlans";

/** What a plan takes at most. */
export function PlanFigures({ plan }: { plan: Plan }) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const duration = useDuration();
  const figures = [
    [t("plan.estimate"), t("work.tokens", { count: plan.tokens_max, number: number(plan.tokens_max) })],
    [t("plan.questions"), plan.questions === 0 ? t("plan.no_questions") : t("plan.times", { count: plan.questions })],
    [t("plan.time"), duration(plan.deadline_s * 1000)],
    [t("plan.replans"), plan.replans_max === 0 ? t("plan.never") : t("plan.times", { count: plan.replans_max })],
  ];
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-3 rounded-md bg-sunken p-4 lg:grid-cols-5">
      {figures.map(([label, value]) => (
        <div key={label}>
          <dt className="text-sm text-muted">{label}</dt>
          <dd className="tabular-nums">{value}</dd>
        </div>
      ))}
      <div>
        <dt className="text-sm text-muted">{t("classification.label")}</dt>
        <dd className="flex flex-wrap gap-1">
          <LabelBadges classification={plan.classification} exportControl={plan.export_control} />
        </dd>
      </div>
    </dl>
  );
}
