import { Link } from "@tanstack/react-router";
import { useTranslation } from "@/i18n/useTranslation";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { DifferenceWords } from "./DifferenceWords";
import type { useReplay } from "./useTraces";

interface Props {
  /** The run that was repeated. */
  first: string;
  replay: ReturnType<typeof useReplay>;
}

/** Whether a run that was repeated came to the same. */
export function ReplayNotice({ first, replay }: Props) {
  const { t } = useTranslation();
  if (!replay.data) return <ProblemNotice error={replay.error} />;
  const { identical, first_difference, trace } = replay.data;
  return (
    <Notice role="status" tone={identical ? "good" : "warn"} title={t(identical ? "trace.identical" : "trace.differs")}>
      <DifferenceWords difference={first_difference} />
      <Link to="/agents/playground/compare" search={{ left: first, right: trace.id }} className="self-start underline">
        {t("trace.compare_runs")}
      </Link>
    </Notice>
  );
}
