import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Generated } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { ReasoningFold } from "./ReasoningFold";
import { StepList } from "./StepList";
import { stepsOfTrace } from "./steps";
import { useTrace } from "./useTrace";
import { StruckItem } from "./VerdictList";

interface Props {
  generated: Generated;
  elapsedMs: number | undefined;
}

/** How a model came to an answer, or tried to: its steps, and what was struck. */
export function AnswerReasoning({ generated, elapsedMs }: Props) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const { prompt_tokens, completion_tokens } = generated.tokens;
  return (
    <ReasoningFold
      title={t("reasoning.title")}
      tokens={prompt_tokens + completion_tokens}
      elapsedMs={elapsedMs}
      onToggle={setOpen}
    >
      {open && (generated.trace ? <StoredSteps id={generated.trace} /> : <Struck generated={generated} />)}
    </ReasoningFold>
  );
}

function StoredSteps({ id }: { id: string }) {
  const { t } = useTranslation();
  const trace = useTrace(id);
  if (trace.isPending) return <Skeleton lines={4} className="py-3" />;
  if (trace.error) return <ProblemNotice error={trace.error} />;
  return (
    <>
      <StepList steps={stepsOfTrace(trace.data)} />
      <Link to="/agents/playground/traces/$traceId" params={{ traceId: id }} className="inline-flex min-h-target items-center underline">
        {t("reasoning.open_trace")}
      </Link>
    </>
  );
}

/** An answer that was written at once has no trace; what was struck stands in its receipt. */
function Struck({ generated }: { generated: Generated }) {
  const { t } = useTranslation();
  if (!generated.struck.length) return <p className="py-2">{t("reasoning.none_struck")}</p>;
  return (
    <ul aria-label={t("reasoning.struck_list")} className="flex max-h-96 flex-col gap-2 overflow-y-auto py-2" tabIndex={0}>
      {generated.struck.map((struck, index) => (
        <StruckItem key={index} text={struck.text} strike={struck} />
      ))}
    </ul>
  );
}
