import { ReceiptText, RotateCcw } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/i18n/format";
import { LabelBadges } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { lazily } from "@/ui/lazily";
import { toMarkdown } from "../markdown";
import type { Turn } from "../turn";
import { useExportWords } from "../useExportWords";

const ReceiptDialog = lazily(() => import("./ReceiptDialog"), "ReceiptDialog");

interface Props {
  turn: Turn;
  busy: boolean;
  onRetry: (question: string) => void;
}

export function AnswerActions({ turn, busy, onRetry }: Props) {
  const { t } = useTranslation();
  const { moment } = useFormats();
  const words = useExportWords();
  const [receipt, setReceipt] = useState(false);
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
        {answer && !answer.withheld && <CopyButton text={() => toMarkdown(turn.question, [turn], words)} />}
        {answer?.receipt && (
          <Button look="quiet" className="px-3 text-sm" icon={<ReceiptText aria-hidden className="size-4" />} onClick={() => setReceipt(true)}>
            {t("receipt.title")}
          </Button>
        )}
        <Button look="quiet" className="px-3 text-sm" icon={<RotateCcw aria-hidden className="size-4" />} disabled={busy} onClick={() => onRetry(turn.question)}>
          {t("ask.retry")}
        </Button>
      </span>
      {receipt && answer?.receipt && <ReceiptDialog answer={answer} receipt={answer.receipt} onClose={() => setReceipt(false)} />}
    </div>
  );
}
