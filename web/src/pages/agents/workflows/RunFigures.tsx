import type { ReactNode } from "react";
import { betweenMs, useDuration } from "@/i18n/duration";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { usePersonName } from "@/pages/admin/users/usePersonName";
import { LabelBadges } from "@/ui/Badge";
import { Progress } from "@/ui/Progress";
import { useNow } from "./useNow";
import { isOver, type RunDetails } from "./useWorkflows";

/** How long, until when, and how much of its budget a run has used. */
export function RunFigures({ run }: { run: RunDetails }) {
  const { t } = useTranslation();
  const { moment, number } = useFormats();
  const duration = useDuration();
  const nameOf = usePersonName();
  const over = isOver(run.state);
  const now = useNow(!over);
  const left = betweenMs(new Date(now).toISOString(), run.deadline_at);
  const budget = budgetOf(run.definition);
  return (
    <dl className="grid gap-x-6 gap-y-4 rounded-lg border bg-surface p-4 sm:grid-cols-2 sm:p-5 lg:grid-cols-4">
      <Figure label={t("run.started")}>
        {moment(run.created_at)}
        <span className="block text-sm text-muted">{t("run.by", { name: nameOf(run.started_by) })}</span>
      </Figure>
      <Figure label={t("run.duration")}>
        {duration(betweenMs(run.created_at, run.ended_at ?? now))}
        {!over && <span className="block text-sm text-muted">{left > 0 ? t("run.left", { time: duration(left) }) : t("run.late")}</span>}
      </Figure>
      <Figure label={t("run.tokens")}>
        {budget ? t("run.tokens_of", { used: number(run.tokens), budget: number(budget) }) : number(run.tokens)}
        {budget !== null && <Progress label={t("run.tokens")} value={run.tokens} max={budget} />}
      </Figure>
      <Figure label={t("classification.label")}>
        <span className="flex flex-wrap gap-1">
          <LabelBadges classification={run.classification} exportControl={run.export_control} />
        </span>
      </Figure>
    </dl>
  );
}

function Figure({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-sm text-muted">{label}</dt>
      <dd className="tabular-nums">{children}</dd>
    </div>
  );
}

/** Tokens that a run may take, as its definition says. */
export function budgetOf(definition: unknown): number | null {
  const limits = (definition as { limits?: { tokens?: unknown } } | null)?.limits;
  return typeof limits?.tokens === "number" ? limits.tokens : null;
}
