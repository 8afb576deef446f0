import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Receipt } from "@/api/types";
import { useMay } from "@/app/session";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { GeneratedFacts } from "@/reasoning/GeneratedFacts";
import { LabelBadges } from "@/ui/Badge";
import { Dialog } from "@/ui/Dialog";
import type { TurnAnswer } from "../turn";

interface Props {
  answer: TurnAnswer;
  receipt: Receipt;
  onClose: () => void;
}

/** What an answer was made from, how it was decided, and where that is written down. */
export function ReceiptDialog({ answer, receipt, onClose }: Props) {
  const { t, i18n } = useTranslation();
  const say = t as (key: string) => string;
  const known = (key: string, otherwise: string) => (i18n.exists(key) ? say(key) : otherwise);
  const { number, percent, exact } = useFormats();
  const may = useMay();
  const { score, threshold } = receipt.decision;
  const index = String(receipt.audit_index);
  return (
    <Dialog open onClose={onClose} title={t("receipt.title")}>
      <dl className="flex flex-col">
        <Row label={t("receipt.mode")}>{receipt.mode === "quote" ? t("receipt.mode_quote") : known(`receipt_mode.${receipt.mode}`, receipt.mode)}</Row>
        {receipt.fallback && <Row label={t("receipt_model.fallback")}>{known(`receipt_fallback.${receipt.fallback}`, known(`problem.${receipt.fallback}.title`, receipt.fallback))}</Row>}
        {receipt.generated && <GeneratedFacts generated={receipt.generated} Row={Row} />}
        {receipt.resolved_question && <Row label={t("receipt.resolved_question")}>{receipt.resolved_question}</Row>}
        <Row label={t("receipt.candidates")}>{number(receipt.candidates)}</Row>
        <Row label={t("receipt.shown")}>
          {t("receipt.shown_count", { count: receipt.chunks_shown.length, revisions: receipt.revisions.length })}
        </Row>
        {typeof score === "number" && typeof threshold === "number" && (
          <Row label={t("receipt.decision")}>{t("receipt.decision_value", { score: percent(score), threshold: percent(threshold) })}</Row>
        )}
        <Row label={t("receipt.embedder")}>{receipt.embedder ?? t("receipt.words_only")}</Row>
        {receipt.reranker && <Row label={t("receipt.reranker")}>{receipt.reranker}</Row>}
        {receipt.degraded && <Row label={t("receipt.degraded")}>{receipt.degraded}</Row>}
        <Row label={t("receipt.label")}>
          <LabelBadges classification={answer.classification} exportControl={answer.export_control} />
        </Row>
        <Row label={t("receipt.time")}>
          {exact(answer.created_at)} · {number(receipt.timings.total_ms ?? 0)} ms
        </Row>
        <Row label={t("receipt.audit_index")}>
          {may("audit.verify") ? (
            <Link to="/admin/audit" search={{ entry: index }} className="inline-flex min-h-target items-center underline">
              {t("receipt.verify", { index })}
            </Link>
          ) : (
            index
          )}
        </Row>
      </dl>
    </Dialog>
  );
}

function Row({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="grid gap-x-3 border-b py-2 last:border-0 sm:grid-cols-[10rem_1fr]">
      <dt className="text-muted">{label}</dt>
      <dd className="min-w-0">{children}</dd>
    </div>
  );
}
