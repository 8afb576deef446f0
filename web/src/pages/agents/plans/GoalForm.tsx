import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { betweenMs, useDuration } from "@/i18n/duration";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { SelectField, TextAreaField, TextField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Spinner } from "@/ui/States";
import { useNow } from "../workflows/useNow";
import { usePlanChanges } from "./usePlans";

const GOAL_CHARS = 4000;
const HOUR_S = 3600;
const DEADLINES_S = [HOUR_S, 8 * HOUR_S, 24 * HOUR_S, 72 * HOUR_S, 168 * HOUR_S];
const DEADLINE_S = 24 * HOUR_S;
const REPLANS = [0, 1, 2, 3, 4, 5];

/** Asks for a goal, and has a plan made for it. */
export function GoalForm() {
  const { t } = useTranslation();
  const duration = useDuration();
  const navigate = useNavigate();
  const { create } = usePlanChanges();
  const submit = (data: FormData) => {
    const budget = String(data.get("budget_tokens") ?? "");
    create.mutate(
      {
        goal: String(data.get("goal")).trim(),
        budget_tokens: budget ? Number(budget) : null,
        deadline_s: Number(data.get("deadline_s")),
        replans_max: Number(data.get("replans_max")),
      },
      { onSuccess: (plan) => void navigate({ to: "/agents/plans/$planId", params: { planId: plan.id } }) },
    );
  };
  return (
    <Section title={t("plan.new")} hint={t("plan.new_hint")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          submit(new FormData(event.currentTarget));
        }}
      >
        <ProblemNotice error={create.error} />
        <TextAreaField label={t("plan.goal")} hint={t("plan.goal_hint")} name="goal" rows={3} maxLength={GOAL_CHARS} required disabled={create.isPending} />
        <details>
          <summary className="w-fit py-2.5 font-medium text-accent">{t("plan.limits")}</summary>
          <div className="grid gap-4 pt-2 sm:grid-cols-3">
            <TextField label={t("plan.budget")} hint={t("plan.budget_hint")} name="budget_tokens" type="number" min={1} max={5_000_000} step={1} />
            <SelectField label={t("plan.deadline")} hint={t("plan.deadline_hint")} name="deadline_s" defaultValue={DEADLINE_S}>
              {DEADLINES_S.map((seconds) => (
                <option key={seconds} value={seconds}>
                  {duration(seconds * 1000)}
                </option>
              ))}
            </SelectField>
            <SelectField label={t("plan.replans")} hint={t("plan.replans_hint")} name="replans_max" defaultValue={1}>
              {REPLANS.map((count) => (
                <option key={count} value={count}>
                  {count === 0 ? t("plan.never") : t("plan.times", { count })}
                </option>
              ))}
            </SelectField>
          </div>
        </details>
        <div className="flex flex-wrap items-center gap-4">
          <Button look="primary" type="submit" busy={create.isPending}>
            {t("plan.make")}
          </Button>
          {create.isPending && <Making />}
        </div>
      </form>
    </Section>
  );
}

/** It may take minutes, so it is said that it goes on, and since when. */
function Making() {
  const { t } = useTranslation();
  const duration = useDuration();
  const [begun] = useState(() => new Date().toISOString());
  const now = useNow(true);
  return (
    <div role="status">
      <Spinner>
        <span>
          {t("plan.making")} <span aria-hidden>{duration(Math.floor(betweenMs(begun, now) / 1000) * 1000)}</span>
        </span>
      </Spinner>
    </div>
  );
}
