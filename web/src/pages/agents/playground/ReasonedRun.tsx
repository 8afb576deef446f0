import { useQueryClient } from "@tanstack/react-query";
import { ApiProblem } from "@/api/problem";
import type { Trace } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { faultOf } from "@/reasoning/faultOf";
import { RunState } from "@/reasoning/RunState";
import { useStreamed } from "@/reasoning/useStreamed";
import { traceOptions } from "@/reasoning/useTrace";
import { Button } from "@/ui/Button";
import { TextAreaField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { SettingsFields } from "./SettingsFields";
import { settingsOf } from "./settings";
import { TraceOutcome } from "./TraceOutcome";
import { TRACES } from "./useTraces";

const QUESTION_MAX = 10_000;

/** A question that is reasoned over once, with settings of one's own. */
export function ReasonedRun() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const run = useStreamed<Trace>("/api/v1/playground/run", (trace) => {
    client.setQueryData(traceOptions(trace.id).queryKey, trace);
    void client.invalidateQueries({ queryKey: TRACES });
  });
  const problem = run.error instanceof ApiProblem ? run.error : null;
  const running = run.state === "running";
  return (
    <Section title={t("playground.run_title")} hint={t("playground.run_hint")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const data = new FormData(event.currentTarget);
          run.begin({ question: String(data.get("question")).trim(), settings: settingsOf(data) });
        }}
      >
        <TextAreaField
          label={t("playground.question")}
          name="question"
          rows={2}
          maxLength={QUESTION_MAX}
          required
          fault={faultOf(problem, "question")}
        />
        <SettingsFields problem={problem} />
        <div className="flex flex-wrap gap-3">
          <Button look="primary" type="submit" busy={running}>
            {t("playground.run")}
          </Button>
          {running && <Button onClick={run.stop}>{t("playground.stop")}</Button>}
        </div>
      </form>
      <RunState work={run} />
      {run.result && <TraceOutcome trace={run.result} linked />}
    </Section>
  );
}
