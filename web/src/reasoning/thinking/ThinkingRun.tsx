import { useState } from "react";
import { ApiProblem } from "@/api/problem";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Section } from "@/ui/Page";
import { RunState } from "../RunState";
import { useStreamed } from "../useStreamed";
import { EstimateLine } from "./EstimateLine";
import type { ThinkingResult } from "./report";
import { ThinkingFields } from "./ThinkingFields";
import { ThinkingReport } from "./ThinkingReport";
import { emptyWish, requestOf, type Tool } from "./tools";
import { useEstimate } from "./useEstimate";

interface Props {
  tool: Tool;
  question?: string;
  draft?: string;
}

/** Has a question or a draft thought about, after saying what that will cost at most. */
export function ThinkingRun({ tool, question, draft }: Props) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const [wish, setWish] = useState(() => emptyWish(question, draft));
  const estimate = useEstimate(tool, wish);
  const run = useStreamed<ThinkingResult>("/api/v1/thinking");
  const running = run.state === "running";
  const problem = [run.error, estimate.error].find((error) => error instanceof ApiProblem) ?? null;
  const tokens = estimate.fresh ? estimate.data?.tokens : undefined;
  const budget = tokens === undefined ? undefined : (requestOf(tool, wish, tokens).budget_tokens ?? undefined);
  return (
    <Section title={t(`thinking_tool.${tool}`)} hint={t(`thinking_hint.${tool}`)}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          // Nothing is begun whose price was not shown.
          if (tokens !== undefined) run.begin(requestOf(tool, wish, tokens));
        }}
      >
        <ThinkingFields tool={tool} wish={wish} onChange={(part) => setWish({ ...wish, ...part })} problem={problem} estimate={tokens} />
        <EstimateLine wish={wish} estimate={estimate} budget={budget} />
        <div className="flex flex-wrap gap-3">
          <Button look="primary" type="submit" className="py-2" disabled={tokens === undefined} busy={running}>
            {budget ? t("thinking.run_for", { count: budget, number: number(budget) }) : t("playground.run")}
          </Button>
          {running && <Button onClick={run.stop}>{t("playground.stop")}</Button>}
        </div>
      </form>
      <RunState work={run} />
      {run.result && <ThinkingReport result={run.result} />}
    </Section>
  );
}
