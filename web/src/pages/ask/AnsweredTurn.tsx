import { memo } from "react";
import { withWords } from "@/i18n";
import { useTranslation } from "@/i18n/useTranslation";
import { lazily } from "@/ui/lazily";
import { Notice } from "@/ui/Notice";
import { AnswerActions } from "./answer/AnswerActions";
import { CitedText } from "./answer/CitedText";
import { Refusal } from "./answer/Refusal";
import { SourceList } from "./answer/SourceList";
import { QuestionBubble } from "./QuestionBubble";
import type { Turn, TurnAnswer } from "./turn";

const AnswerReasoning = lazily(withWords(["agents"], () => import("@/reasoning/AnswerReasoning")), "AnswerReasoning");

interface Props {
  turn: Turn;
  conversationId: string | undefined;
  busy: boolean;
  onEdit: (question: string) => void;
  onRetry: (question: string) => void;
}

/** A question with its answer, sources, and what can be done with them. */
export const AnsweredTurn = memo(function AnsweredTurn({ turn, conversationId, busy, onEdit, onRetry }: Props) {
  const { t } = useTranslation();
  const receipt = turn.answer?.withheld ? null : turn.answer?.receipt;
  const generated = receipt?.generated;
  return (
    <article className="flex flex-col gap-4 [content-visibility:auto] [contain-intrinsic-size:auto_20rem]">
      <QuestionBubble question={turn.question} onEdit={onEdit} />
      {turn.answer ? <Content answer={turn.answer} /> : <Notice>{t("ask.unanswered")}</Notice>}
      {generated && <AnswerReasoning generated={generated} elapsedMs={receipt.timings.total_ms} />}
      <AnswerActions turn={turn} conversationId={conversationId} busy={busy} onRetry={onRetry} />
    </article>
  );
});

function Content({ answer }: { answer: TurnAnswer }) {
  const { t } = useTranslation();
  if (answer.withheld) return <Notice tone="warn" title={t("ask.withheld")}>{t("ask.withheld_next")}</Notice>;
  if (answer.refused) return <Refusal nearest={answer.nearest} />;
  return (
    <>
      <CitedText text={answer.text} citations={answer.citations} />
      <SourceList citations={answer.citations} />
    </>
  );
}
