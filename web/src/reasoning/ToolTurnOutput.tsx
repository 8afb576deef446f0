import { ChevronRight, Wrench } from "lucide-react";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { readable } from "./readable";
import { knowsAll, type ToolCall, type ToolTurn } from "./toolTurn";
import { useOutcomeWords } from "./useOutcomeWords";
import { useToolWords } from "./useToolWords";

const TEXT = "wrap-anywhere whitespace-pre-wrap";

/** What a model said in a turn with tools, and what it called. */
export function ToolTurnOutput({ turn }: { turn: ToolTurn }) {
  const { t } = useTranslation();
  const { said, calls } = turn;
  return (
    <div className="flex flex-col gap-2 text-sm">
      {knowsAll(turn) ? <p>{t("tool_call.knows_all")}</p> : said && <p className={cx("border-l-2 pl-3", TEXT)}>{said}</p>}
      {calls.length > 0 ? (
        <ol aria-label={t("tool_call.list")} className="flex flex-col gap-2">
          {calls.map((call, index) => (
            <Call key={index} call={call} />
          ))}
        </ol>
      ) : (
        <p className="text-muted">{t("tool_call.none")}</p>
      )}
      <p className="text-xs text-muted">{t("tool_call.unchecked")}</p>
    </div>
  );
}

/** One call: the tool, what it was given, how it went, and on request what came back. */
function Call({ call }: { call: ToolCall }) {
  const { t } = useTranslation();
  const tool = useToolWords();
  const outcome = useOutcomeWords();
  const given = readable(call.arguments);
  return (
    <li className="flex flex-col gap-1 rounded-md border px-3 py-2">
      <p className="flex flex-wrap items-center gap-2">
        <Wrench aria-hidden className="size-4 shrink-0 text-muted" />
        <span className="min-w-0 font-medium wrap-anywhere">{tool(call.tool)}</span>
        <Badge tone={call.outcome === "ok" ? "good" : "warn"}>{outcome(call.outcome)}</Badge>
      </p>
      {given && (
        <p className={TEXT}>
          <span className="sr-only">{t("tool_call.arguments")}: </span>
          {given}
        </p>
      )}
      {call.result && (
        <details className="group/result">
          <summary className="flex min-h-target list-none items-center gap-2 rounded-sm hover:bg-hover [&::-webkit-details-marker]:hidden">
            <ChevronRight aria-hidden className="size-4 shrink-0 text-muted transition-transform group-open/result:rotate-90" />
            {t("tool_call.result")}
          </summary>
          <p role="group" aria-label={t("tool_call.result")} className={cx("max-h-64 overflow-y-auto border-l-2 pl-3", TEXT)} tabIndex={0}>
            {readable(call.result)}
          </p>
        </details>
      )}
    </li>
  );
}
