import { withWords } from "@/i18n";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { lazily } from "@/ui/lazily";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Spinner } from "@/ui/States";
import { CitedText } from "./answer/CitedText";
import { QuestionBubble } from "./QuestionBubble";
import type { Running } from "./useAsk";

const LivePanel = lazily(withWords(["agents"], () => import("@/reasoning/LivePanel")), "LivePanel");

const STAGES = ["resolving", "searching", "reading", "thinking", "writing"] as const;

interface Props {
  running: Running;
  onEdit: (question: string) => void;
  onRetry: (question: string) => void;
  onDismiss: () => void;
}

/** A question whose answer is on its way, was stopped, or failed. */
export function RunningTurn({ running, onEdit, onRetry, onDismiss }: Props) {
  const { t } = useTranslation();
  const stage = STAGES.find((one) => one === running.stage) ?? "resolving";
  const again = (
    <div className="flex flex-wrap gap-2">
      <Button onClick={() => onRetry(running.question)}>{t("ask.retry")}</Button>
      <Button look="quiet" onClick={onDismiss}>
        {t("ask.dismiss")}
      </Button>
    </div>
  );
  return (
    <article className="flex flex-col gap-4" aria-busy={running.state === "running"}>
      <QuestionBubble question={running.question} onEdit={onEdit} />
      {running.steps.length > 0 && <LivePanel events={running.steps} live={running.state === "running"} />}
      {running.text && <CitedText text={running.text} citations={running.citations} />}
      <div role="status">{running.state === "running" && <Spinner>{t(`stage.${stage}`)}</Spinner>}</div>
      {running.state === "stopped" && (
        <Notice role="status" title={t("ask.stopped")}>
          {again}
        </Notice>
      )}
      {running.state === "failed" && <ProblemNotice error={running.error}>{again}</ProblemNotice>}
    </article>
  );
}
