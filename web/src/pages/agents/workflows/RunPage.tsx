import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { useTranslation } from "@/i18n/useTranslation";
import { Section, useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { CancelRun } from "./CancelRun";
import { FaultText } from "./FaultText";
import { GateCard } from "./GateCard";
import { RunFigures } from "./RunFigures";
import { RunStateBadge } from "./RunStateBadge";
import { StepList } from "./StepList";
import { rootOf, rowsOf, seenOf } from "./steps";
import { useFollowRun } from "./useFollowRun";
import { useWorkflowWords } from "./useWorkflowWords";
import { isOver, useRun, type RunDetails } from "./useWorkflows";
import { ValueView } from "./ValueView";

/** A run: how far it is, what it waits for, what its steps gave. */
export function RunPage() {
  const { t } = useTranslation();
  const { runId } = useParams({ from: "/agents/workflows/runs/$runId" });
  const run = useRun(runId);
  return (
    <>
      <Link to="/agents/workflows" className="inline-flex min-h-target items-center gap-2 self-start font-medium text-accent hover:underline">
        <ArrowLeft aria-hidden className="size-5" />
        {t("run.back")}
      </Link>
      {run.isPending && <Skeleton lines={6} />}
      <ProblemNotice error={run.error} />
      {run.data && <RunView key={runId} run={run.data} />}
    </>
  );
}

function RunView({ run }: { run: RunDetails }) {
  const { t } = useTranslation();
  const words = useWorkflowWords();
  const over = isOver(run.state);
  const live = useFollowRun(run.id, !over);
  const rows = rowsOf(rootOf(run.definition), seenOf(run, live.running, over));
  const title = words.title({ name: run.workflow, title: run.title });
  useTitle(title);
  return (
    <>
      <header className="flex flex-wrap items-center gap-3">
        <h2 className="min-w-0 text-xl font-semibold">{title}</h2>
        <span aria-live="polite">
          <RunStateBadge state={run.state} />
        </span>
        <span className="grow" />
        {!over && <CancelRun run={run} />}
      </header>
      <ProblemNotice error={live.error} />
      {run.error && <FaultText fault={run.error} />}
      {run.waiting.map((gate) => (
        <GateCard key={gate.digest + gate.step} runId={run.id} gate={gate} />
      ))}
      {run.state === "done" && (
        <Section title={t("run.output")}>
          <ValueView value={run.output} />
        </Section>
      )}
      <RunFigures run={run} />
      <Section title={t("run.progress")}>
        <StepList rows={rows} />
      </Section>
      <Section title={t("run.input")}>
        <ValueView value={run.input} />
      </Section>
    </>
  );
}
