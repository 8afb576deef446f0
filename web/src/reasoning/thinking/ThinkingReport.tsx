import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { LabelBadges } from "@/ui/Badge";
import { Notice } from "@/ui/Notice";
import { useStepWords } from "../useStepWords";
import { Council } from "./Council";
import { Principles } from "./Principles";
import { RedTeam } from "./RedTeam";
import type { ThinkingResult } from "./report";

/** What a thinking tool came to, whether it was complete, and what it cost. */
export function ThinkingReport({ result }: { result: ThinkingResult }) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const used = result.prompt_tokens + result.completion_tokens;
  const { report } = result;
  return (
    <section aria-label={t("thinking.result")} className="flex flex-col gap-4 border-t pt-4">
      <p className="flex flex-wrap items-center gap-2 text-sm text-muted">
        <LabelBadges classification={result.classification} exportControl={result.export_control} />
        {t("thinking.spent", { count: used, used: number(used), budget: number(result.budget_tokens) })} · {t("playground.seed")} {String(result.seed)}
      </p>
      <Incomplete result={result} />
      {report.tool === "council" && <Council report={report} />}
      {report.tool === "red_team" && <RedTeam report={report} />}
      {report.tool === "first_principles" && <Principles report={report} />}
    </section>
  );
}

function Incomplete({ result }: { result: ThinkingResult }) {
  const { t, i18n } = useTranslation();
  const step = useStepWords();
  const { complete, stopped_by, stopped_at, failed_steps } = result.report.completeness;
  if (complete) return null;
  const say = t as (key: string) => string;
  const why = stopped_by && (i18n.exists(`problem.${stopped_by}.title`) ? say(`problem.${stopped_by}.title`) : stopped_by);
  return (
    <Notice tone="warn" title={t("thinking.incomplete")}>
      {why && <p>{stopped_at ? t("thinking.stopped_at", { why, step: step(stopped_at) }) : why}</p>}
      {failed_steps.length > 0 && <p>{t("thinking.failed_steps", { steps: failed_steps.map(step).join(", ") })}</p>}
    </Notice>
  );
}
