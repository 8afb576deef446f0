import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Section, useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { rootOf, rowsOf, seenOf, type StepRow } from "../workflows/steps";
import { useFollowRun } from "../workflows/useFollowRun";
import { isOver, useRun } from "../workflows/useWorkflows";
import { Decided } from "./Decided";
import { DecideSection } from "./DecideSection";
import { PlanFigures } from "./PlanFigures";
import { PlanProgress } from "./PlanProgress";
import { PlanStateBadge } from "./PlanStateBadge";
import { Replanned } from "./Replanned";
import { TaskGraph } from "./TaskGraph";
import { TaskList } from "./TaskList";
import { usePlan, useReadPlan, type Plan } from "./usePlans";

/** A plan: what it is for, its tasks, the decision on it, and how far it is. */
export function PlanPage() {
  const { t } = useTranslation();
  const { planId } = useParams({ from: "/agents/plans/$planId" });
  const plan = usePlan(planId);
  return (
    <>
      <Link to="/agents/plans" className="inline-flex min-h-target items-center gap-2 self-start font-medium text-accent hover:underline">
        <ArrowLeft aria-hidden className="size-5" />
        {t("plan.back")}
      </Link>
      {plan.isPending && <Skeleton lines={6} />}
      <ProblemNotice error={plan.error} />
      {plan.data && <PlanView key={planId} plan={plan.data} />}
    </>
  );
}

function PlanView({ plan }: { plan: Plan }) {
  const { t } = useTranslation();
  const run = useRun(plan.run_id);
  const readPlan = useReadPlan();
  const proposed = plan.state === "proposed";
  const runOver = run.data ? isOver(run.data.state) : false;
  const live = useFollowRun(plan.run_id, plan.state === "running" && !runOver);
  useTitle(plan.goal);
  useEffect(() => {
    if (runOver && plan.state === "running") readPlan(plan.id);
  }, [runOver, plan.state, plan.id, readPlan]);
  // A plan that was made anew has not begun: the run is that of the version before.
  const shown = !proposed && run.data ? rowsOf(rootOf(run.data.definition), seenOf(run.data, live.running, runOver)) : [];
  const rows = new Map<string, StepRow>(shown.map((row) => [row.key, row]));
  const states = new Map(shown.map((row) => [row.key, row.state]));
  return (
    <>
      <header className="flex flex-wrap items-start gap-3">
        <h2 className="min-w-0 text-xl font-semibold break-words">{plan.goal}</h2>
        <span aria-live="polite" className="mt-1">
          <PlanStateBadge state={plan.state} />
        </span>
      </header>
      {plan.version > 1 && <Replanned plan={plan} run={run.data} />}
      {!proposed && run.data && <PlanProgress run={run.data} live={live} />}
      <Section title={t("plan.tasks")} hint={plan.summary}>
        <PlanFigures plan={plan} />
        <TaskGraph tasks={plan.tasks} states={states} />
        <TaskList tasks={plan.tasks} rows={rows} />
      </Section>
      {proposed ? <DecideSection key={plan.digest} plan={plan} /> : <Decided plan={plan} />}
    </>
  );
}
