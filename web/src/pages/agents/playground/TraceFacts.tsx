import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Trace } from "@/api/types";
import { betweenMs, useDuration } from "@/i18n/duration";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { AgentTitle } from "@/reasoning/AgentTitle";
import { useTraceWords } from "./useTraceWords";

interface Settings {
  agent?: string;
  tier?: string;
  temperature?: number;
  budget_tokens?: number;
}

/** How a run thought, and what it cost. */
export function TraceFacts({ trace }: { trace: Trace }) {
  const { t } = useTranslation();
  const { number, exact } = useFormats();
  const duration = useDuration();
  const words = useTraceWords();
  const { agent, tier, temperature, budget_tokens } = trace.settings as Settings;
  const { prompt_tokens, completion_tokens } = trace.tokens;
  return (
    <dl className="grid grid-cols-[repeat(auto-fit,minmax(min(20rem,100%),1fr))] gap-x-8">
      <Row label={t("trace.kind")}>{words.kind(trace.kind)}</Row>
      {agent && (
        <Row label={t("playground.agent")}>
          <AgentTitle name={agent} />
        </Row>
      )}
      <Row label={t("playground.strategy")}>{words.strategy(trace.strategy)}</Row>
      {tier && <Row label={t("playground.tier")}>{words.tier(tier)}</Row>}
      <Row label={t("playground.temperature")}>{temperature === undefined ? t("playground.by_step") : number(temperature)}</Row>
      {/* A number to be copied, not counted with. */}
      <Row label={t("playground.seed")}>{String(trace.seed)}</Row>
      <Row label={t("trace.tokens")}>
        {t("trace.tokens_value", { prompt: number(prompt_tokens), completion: number(completion_tokens), budget: number(budget_tokens ?? 0) })}
      </Row>
      <Row label={t("trace.time")}>
        {exact(trace.started_at)} · {duration(betweenMs(trace.started_at, trace.ended_at), "short")}
      </Row>
      <Row label={t("trace.build")}>{trace.build}</Row>
      {trace.replay_of && (
        <Row label={t("trace.replay_of")}>
          <Link to="/agents/playground/compare" search={{ left: trace.replay_of, right: trace.id }} className="underline">
            {t("trace.compare_with_first")}
          </Link>
        </Row>
      )}
    </dl>
  );
}

function Row({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="grid grid-cols-[8rem_1fr] gap-3 border-b py-2">
      <dt className="text-muted">{label}</dt>
      <dd className="min-w-0 wrap-anywhere">{children}</dd>
    </div>
  );
}
