import { ReceiptText, RotateCcw, ShieldQuestionMark } from "lucide-react";
import { useState } from "react";
import { withWords } from "@/i18n";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { LabelBadges } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { lazily } from "@/ui/lazily";
import { toMarkdown } from "../markdown";
import type { Turn } from "../turn";
import { useExportWords } from "../useExportWords";
import { FeedbackButtons } from "./FeedbackButtons";

const ReceiptDialog = lazily(withWords(["agents"], () => import("./ReceiptDialog")), "ReceiptDialog");
const ExamineDialog = lazily(withWords(["agents"], () => import("@/reasoning/ExamineDialog")), "ExamineDialog");

interface Props {
  turn: Turn;
  /** Where it was asked; nothing can be said about an answer whose conversation is not known yet. */
  conversationId: string | undefined;
  busy: boolean;
  onRetry: (question: string) => void;
}

export function AnswerActions({ turn, conversationId, busy, onRetry }: Props) {
  const { t } = useTranslation();
  const { moment } = useFormats();
  const words = useExportWords();
  const [receipt, setReceipt] = useState(false);
  const [examining, setExamining] = useState(false);
  const { answer } = turn;
  return (
    <div className="flex flex-wrap items-center gap-1 text-sm">
      {answer && (
        <span className="mr-auto flex items-center gap-2 text-muted">
          <LabelBadges classification={answer.classification} exportControl={answer.export_control} />
          {moment(answer.created_at)}
        </span>
      )}
      <span className="no-print flex flex-wrap items-center gap-1">
        {answer && conversationId && !answer.withheld && <FeedbackButtons answer={answer} conversationId={conversationId} />}
        {answer && !answer.withheld && <CopyButton text={() => toMarkdown(turn.question, [turn], words)} />}
        {answer?.receipt && (
          <Button look="quiet" className="px-3 text-sm" icon={<ReceiptText aria-hidden className="size-4" />} onClick={() => setReceipt(true)}>
            {t("receipt.title")}
          </Button>
        )}
        {answer && !answer.withheld && (
          <Button look="quiet" className="px-3 text-sm" icon={<ShieldQuestionMark aria-hidden className="size-4" />} onClick={() => setExamining(true)}>
            {t("ask.examine")}
          </Button>
        )}
        <Button look="quiet" className="px-3 text-sm" icon={<RotateCcw aria-hidden className="size-4" />} disabled={busy} onClick={() => onRetry(turn.question)}>
          {t("ask.retry")}
        </Button>
      </span>
      {receipt && answer?.receipt && <ReceiptDialog answer={answer} receipt={answer.receipt} onClose={() => setReceipt(false)} />}
      {examining && answer && (
        <ExamineDialog question={turn.question} draft={answer.refused ? "" : answer.text} onClose={() => setExamining(false)} />
      )}
    </div>
  );
}
