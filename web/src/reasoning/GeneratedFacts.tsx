import type { ReactNode } from "react";
import { TIERS, type Generated } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { agentReason } from "./agentReason";
import { AgentTitle } from "./AgentTitle";
import { routerReason } from "./routerReason";

interface Props {
  generated: Generated;
  Row: (props: { label: string; children: ReactNode }) => ReactNode;
}

/** Who wrote, why with that agent and that model, and what it cost, as rows of a receipt. */
export function GeneratedFacts({ generated, Row }: Props) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const tierWords = (tier: string) => {
    const known = TIERS.find((one) => one === tier);
    return known ? t(`tier_name.${known}`) : tier;
  };
  const say = t as (key: string, values: object) => string;
  const { tokens, router, tier, agent } = generated;
  const why = (reason: string) => {
    const known = routerReason(reason);
    if (!known) return reason;
    const { key, value } = known;
    if (key !== "pinned") return say(`router.${key}`, { value, count: Number(value) });
    // An agent that was named brings its own tier where administrators have set none.
    return t(agent?.pinned ? "router.pinned_agent" : "router.pinned", { value: tierWords(value) });
  };
  return (
    <>
      {agent && (
        <Row label={t("receipt_model.agent")}>
          <AgentTitle name={agent.agent} />
          <AgentReason reason={agent.reason} />
        </Row>
      )}
      <Row label={t("receipt_model.model")}>{generated.model_name ?? t("receipt_model.none")}</Row>
      <Row label={t("playground.tier")}>
        {tierWords(tier)}
        {tier !== router.tier && <span className="text-muted"> ({t("receipt_model.escalated", { from: tierWords(router.tier) })})</span>}
      </Row>
      <Row label={t("receipt_model.why")}>
        <ul>
          {router.reasons.map((reason) => (
            <li key={reason}>{why(reason)}</li>
          ))}
        </ul>
      </Row>
      <Row label={t("receipt_model.tokens")}>
        {t("receipt_model.tokens_value", { read: number(tokens.prompt_tokens), written: number(tokens.completion_tokens) })}
      </Row>
      {generated.broken_off && <Row label={t("receipt_model.broken_off")}>{generated.broken_off}</Row>}
    </>
  );
}

/** Why this agent takes part; a reason that nobody knows is shown as it is. */
function AgentReason({ reason }: { reason: string }) {
  const { t } = useTranslation();
  const known = agentReason(reason);
  const words = known?.words.map((word) => t("agent_reason.word", { word })).join(", ");
  return <p className="text-muted">{known ? t(`agent_reason.${known.key}`, { words }) : reason}</p>;
}
