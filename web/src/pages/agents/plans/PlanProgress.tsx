import { Link } from "@tanstack/react-router";
import { useTranslation } from "@/i18n/useTranslation";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { CancelRun } from "../workflows/CancelRun";
import { FaultText } from "../workflows/FaultText";
import { GateCard } from "../workflows/GateCard";
import { RunFigures } from "../workflows/RunFigures";
import type { Live } from "../workflows/useFollowRun";
import { isOver, type RunDetails } from "../workflows/useWorkflows";
import { ValueView } from "../workflows/ValueView";

interface Props {
  run: RunDetails;
  live: Live;
}

/** The run that carries a plan out: what it asks, what it has used, what came of it. */
export function PlanProgress({ run, live }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <ProblemNotice error={live.error} />
      {run.waiting.map((gate) => (
        <GateCard key={gate.digest + gate.step} runId={run.id} gate={gate} />
      ))}
      {run.error && <FaultText fault={run.error} />}
      {run.state === "done" && (
        <Section title={t("plan.report")}>
          <ValueView value={run.output} />
        </Section>
      )}
      <RunFigures run={run} />
      <div className="flex flex-wrap items-center gap-4">
        <Link
          to="/agents/workflows/runs/$runId"
          params={{ runId: run.id }}
          className="inline-flex min-h-target items-center font-medium text-accent hover:underline"
        >
          {t("plan.open_run")}
        </Link>
        {!isOver(run.state) && <CancelRun run={run} />}
      </div>
    </>
  );
}
