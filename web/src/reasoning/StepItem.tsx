import { ChevronRight, CircleCheck, CircleX, LoaderCircle } from "lucide-react";
import { useDuration } from "@/i18n/duration";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { StepOutput } from "./StepOutput";
import type { Step } from "./steps";
import { useStepWords } from "./useStepWords";
import { VerdictList } from "./VerdictList";

const KINDS = ["observe", "think", "weigh", "verify"] as const;
/** Less than this took no time, to a reader. */
const TELLING_MS = 50;
const STATES = {
  running: [LoaderCircle, "text-accent animate-spin"],
  done: [CircleCheck, "text-good"],
  failed: [CircleX, "text-bad"],
} as const;

/** One step: what it was, what it cost, and on request what came out. */
export function StepItem({ step, difference }: { step: Step; difference: string | null }) {
  const { t } = useTranslation();
  const words = useStepWords();
  const kind = KINDS.find((one) => one === step.kind);
  const [Icon, look] = STATES[step.state];
  const head = (
    <>
      <Icon aria-hidden className={cx("size-5 shrink-0", look)} />
      <span className="min-w-40 flex-1">
        <span className="font-medium">{words(step.name)}</span>
        {kind && <span className="ml-2 text-sm text-muted">{t(`reason_kind.${kind}`)}</span>}
        {step.state !== "done" && <span className="sr-only">, {t(`reason_state.${step.state}`)}</span>}
      </span>
      {difference && <Badge tone="warn">{difference}</Badge>}
      <Costs step={step} />
    </>
  );
  if (!step.text && step.verdicts.length === 0) {
    return <li className="flex min-h-target flex-wrap items-center gap-2 border-b py-2 pr-2 pl-7 last:border-0">{head}</li>;
  }
  return (
    <li className="border-b last:border-0">
      <details className="group" open={step.state === "running" || undefined}>
        <summary className="flex min-h-target list-none flex-wrap items-center gap-2 rounded-sm py-2 pr-2 hover:bg-hover [&::-webkit-details-marker]:hidden">
          <ChevronRight aria-hidden className="size-5 shrink-0 text-muted transition-transform group-open:rotate-90" />
          {head}
        </summary>
        <div className="flex flex-col gap-3 pb-4 pl-7">
          <StepOutput step={step} />
          <VerdictList verdicts={step.verdicts} />
        </div>
      </details>
    </li>
  );
}

function Costs({ step }: { step: Step }) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const duration = useDuration();
  const parts = [
    step.tokens ? t("reasoning.tokens", { count: step.tokens, number: number(step.tokens) }) : null,
    step.elapsedMs !== null && step.elapsedMs >= TELLING_MS ? duration(step.elapsedMs, "short") : null,
  ];
  const said = parts.filter(Boolean).join(" · ");
  return said ? <span className="ml-auto text-right text-sm text-muted tabular-nums">{said}</span> : null;
}
