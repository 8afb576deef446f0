import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import type { Trace } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { StepList } from "@/reasoning/StepList";
import { stepsOfTrace } from "@/reasoning/steps";
import { useTrace } from "@/reasoning/useTrace";
import { Section, useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { ReplayNotice } from "./ReplayNotice";
import { TraceActions } from "./TraceActions";
import { TraceFacts } from "./TraceFacts";
import { TraceOutcome } from "./TraceOutcome";
import { useReplay } from "./useTraces";

/** One run, step by step. */
export function TracePage() {
  const { t } = useTranslation();
  const { traceId } = useParams({ from: "/agents/playground/traces/$traceId" });
  const trace = useTrace(traceId);
  useTitle(t("trace.title"));
  return (
    <>
      <BackLink />
      {trace.isPending && <Skeleton lines={6} />}
      <ProblemNotice error={trace.error} />
      {trace.data && <Content key={traceId} trace={trace.data} />}
    </>
  );
}

/** The way back to all runs. */
export function BackLink() {
  const { t } = useTranslation();
  return (
    <Link to="/agents/playground" className="inline-flex min-h-target items-center gap-2 self-start underline">
      <ArrowLeft aria-hidden className="size-4" />
      {t("trace.list")}
    </Link>
  );
}

function Content({ trace }: { trace: Trace }) {
  const { t } = useTranslation();
  const replay = useReplay(trace.id);
  return (
    <>
      <Section title={trace.question} actions={<TraceActions trace={trace} replay={replay} />}>
        <ReplayNotice first={trace.id} replay={replay} />
        <TraceOutcome trace={trace} />
        <TraceFacts trace={trace} />
      </Section>
      <Section title={t("reasoning.steps")}>
        <StepList steps={stepsOfTrace(trace)} />
      </Section>
    </>
  );
}
