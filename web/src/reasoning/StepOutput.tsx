import { useTranslation } from "@/i18n/useTranslation";
import { legible, type Decided } from "./legible";
import type { Step } from "./steps";
import { ToolTurnOutput } from "./ToolTurnOutput";
import { toolTurn, withoutTools } from "./toolTurn";
import { useOutcomeWords } from "./useOutcomeWords";

const DECISIONS = ["accept", "observe", "escalate", "refuse"] as const;

/** What a step has written, or called. */
export function StepOutput({ step }: { step: Step }) {
  const outcome = useOutcomeWords();
  const turn = toolTurn(step.text);
  const refused = withoutTools(step.text);
  if (turn) return <ToolTurnOutput turn={turn} />;
  if (refused) return <p className="text-sm">{outcome(refused)}</p>;
  return <WrittenOutput step={step} />;
}

function WrittenOutput({ step }: { step: Step }) {
  const { t } = useTranslation();
  const { lines, facts, decided } = legible(step.text);
  const empty = !lines.length && facts === null && !decided;
  return (
    <div className="flex flex-col gap-2 text-sm">
      {facts !== null && <p>{t("reasoning.facts", { count: facts })}</p>}
      {facts !== null && lines.length > 0 && <p className="text-muted">{t("reasoning.searches")}</p>}
      {decided && <Decision decided={decided} />}
      {decided && lines.length > 0 && <p className="text-muted">{t("reasoning.unknown")}</p>}
      {lines.length > 0 && (
        <ul className="flex max-h-64 flex-col gap-1 overflow-y-auto wrap-anywhere" tabIndex={0} aria-label={t("reasoning.output")}>
          {lines.map((line, index) => (
            <li key={index} className="border-l-2 pl-3 whitespace-pre-wrap">
              {line}
            </li>
          ))}
        </ul>
      )}
      {empty && step.state === "done" && <p className="text-muted">{t("reasoning.nothing")}</p>}
      {step.tier && lines.length > 0 && <p className="text-xs text-muted">{t("reasoning.unchecked")}</p>}
    </div>
  );
}

function Decision({ decided }: { decided: Decided }) {
  const { t } = useTranslation();
  const known = DECISIONS.find((one) => one === decided.decision);
  return (
    <p>
      {known ? t(`decision.${known}`) : decided.decision}{" "}
      <span className="text-muted">
        {t("reasoning.held", { count: decided.supported })}, {t("reasoning.struck", { count: decided.struck })}
      </span>
    </p>
  );
}
