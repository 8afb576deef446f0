import { Link, useSearch } from "@tanstack/react-router";
import type { Trace } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { StepList } from "@/reasoning/StepList";
import { stepsOfTrace } from "@/reasoning/steps";
import { Notice } from "@/ui/Notice";
import { useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { DifferenceWords } from "./DifferenceWords";
import { TraceFacts } from "./TraceFacts";
import { TraceOutcome } from "./TraceOutcome";
import { BackLink } from "./TracePage";
import { useComparison } from "./useTraces";
import { useTraceWords } from "./useTraceWords";

/** Two runs beside each other, and where they part. */
export function ComparePage() {
  const { t } = useTranslation();
  const { left = "", right = "" } = useSearch({ from: "/agents/playground/compare" });
  const comparison = useComparison(left, right);
  const words = useTraceWords();
  useTitle(t("trace.compare_title"));
  const data = comparison.data;
  const differences = data?.steps.map((aspect) => aspect && words.aspect(aspect));
  return (
    <>
      <BackLink />
      <h2 className="text-xl font-semibold">{t("trace.compare_title")}</h2>
      {comparison.isPending && <Skeleton lines={6} />}
      <ProblemNotice error={comparison.error} />
      {data && (
        <>
          <Notice tone={data.identical ? "good" : "warn"} title={t(data.identical ? "trace.identical" : "trace.differs")}>
            <DifferenceWords difference={data.first_difference} />
          </Notice>
          <div className="grid gap-4 lg:grid-cols-2">
            <Side trace={data.left} differences={differences} />
            <Side trace={data.right} differences={differences} />
          </div>
        </>
      )}
    </>
  );
}

interface SideProps {
  trace: Trace;
  differences: (string | null)[] | undefined;
}

function Side({ trace, differences }: SideProps) {
  const { exact } = useFormats();
  return (
    <section className="flex min-w-0 flex-col gap-4 rounded-lg border bg-surface p-4 sm:p-5">
      <div>
        <h3 className="font-semibold">
          <Link to="/agents/playground/traces/$traceId" params={{ traceId: trace.id }} className="inline-flex min-h-target items-center underline">
            {exact(trace.started_at)}
          </Link>
        </h3>
        <p className="text-muted">{trace.question}</p>
      </div>
      <TraceOutcome trace={trace} />
      <TraceFacts trace={trace} />
      <StepList steps={stepsOfTrace(trace)} differences={differences} />
    </section>
  );
}
