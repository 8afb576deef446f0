import { Circle, CircleCheck, CircleDashed, CircleX, Hourglass, LoaderCircle, type LucideIcon } from "lucide-react";
import { betweenMs, useDuration } from "@/i18n/duration";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { cx } from "@/ui/cx";
import { FaultText } from "./FaultText";
import { inWords, type RowState, type StepRow } from "./steps";
import { ValueView } from "./ValueView";

const LOOKS: Record<RowState, [LucideIcon, string]> = {
  done: [CircleCheck, "text-good"],
  failed: [CircleX, "text-bad"],
  running: [LoaderCircle, "text-accent animate-spin"],
  waiting: [Hourglass, "text-warn"],
  to_come: [Circle, "text-muted"],
  not_reached: [CircleDashed, "text-muted"],
};
const KINDS = ["pipeline", "fan_out", "graph", "gate", "tdd_loop", "prompt", "tool", "thinking", "agent", "value"] as const;
const INDENTS = ["", "pl-6", "pl-12", "pl-18"];

/** A step with its state, its time, its tokens, and what it gave. */
export function StepItem({ row, plain }: { row: StepRow; plain: boolean }) {
  const { t } = useTranslation();
  const [Icon, look] = LOOKS[row.state];
  const kind = KINDS.find((one) => one === row.kind);
  const name = row.nth === null ? inWords(row.id) : t("step.nth", { name: inWords(row.id), number: row.nth });
  return (
    <li data-state={row.state} className={cx("flex gap-3 border-b py-2.5 last:border-0", INDENTS[Math.min(row.depth, INDENTS.length - 1)])}>
      <Icon aria-hidden className={cx("mt-0.5 size-5 shrink-0", plain ? "text-muted" : look)} />
      <div className="min-w-0 grow">
        <div className="flex flex-wrap items-baseline gap-x-3">
          <span className={cx("font-medium", row.state === "not_reached" && "text-muted")}>{name}</span>
          <span className="text-sm text-muted">{kind ? t(`step_kind.${kind}`) : row.kind}</span>
          <span className="grow" />
          {!plain && <Figures row={row} />}
        </div>
        {row.step?.error && <FaultText fault={row.step.error} />}
        {row.step?.output !== undefined && row.step?.output !== null && (
          <details className="mt-1">
            <summary className="w-fit py-2.5 text-sm text-accent sm:py-1">{t("step.result")}</summary>
            <div className="rounded-md bg-sunken p-3">
              <ValueView value={row.step.output} />
            </div>
          </details>
        )}
      </div>
    </li>
  );
}

function Figures({ row: { state, step } }: { row: StepRow }) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const duration = useDuration();
  const tokens = step ? step.prompt_tokens + step.completion_tokens : 0;
  const parts = [
    t(`step_state.${state}`),
    step && duration(betweenMs(step.started_at, step.ended_at), "short"),
    tokens > 0 && t("work.tokens", { count: tokens, number: number(tokens) }),
  ];
  return <span className="text-sm text-muted tabular-nums">{parts.filter(Boolean).join(" · ")}</span>;
}
