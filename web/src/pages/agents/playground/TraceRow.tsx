import { Link } from "@tanstack/react-router";
import type { TraceEntry } from "@/api/types";
import { useDuration } from "@/i18n/duration";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { LabelBadges } from "@/ui/Badge";
import { OutcomeBadge } from "./OutcomeBadge";
import { useTraceWords } from "./useTraceWords";

interface Props {
  trace: TraceEntry;
  picked: boolean;
  onPick: (on: boolean) => void;
}

export function TraceRow({ trace, picked, onPick }: Props) {
  const { t } = useTranslation();
  const { number, exact } = useFormats();
  const duration = useDuration();
  const words = useTraceWords();
  const tokens = trace.tokens.prompt_tokens + trace.tokens.completion_tokens;
  const elapsed = new Date(trace.ended_at).getTime() - new Date(trace.started_at).getTime();
  const costs = [
    t("reasoning.step_count", { count: trace.step_count }),
    t("reasoning.tokens", { count: tokens, number: number(tokens) }),
    duration(elapsed, "short"),
  ];
  return (
    <li className="flex items-center gap-2 border-b py-1 last:border-0">
      <label className="inline-flex size-11 shrink-0 items-center justify-center">
        <input
          type="checkbox"
          className="size-5 accent-accent"
          checked={picked}
          onChange={(event) => onPick(event.target.checked)}
          aria-label={t("trace.pick", { when: exact(trace.started_at) })}
        />
      </label>
      <Link
        to="/agents/playground/traces/$traceId"
        params={{ traceId: trace.id }}
        className="flex min-h-target min-w-0 grow flex-wrap items-center gap-x-3 gap-y-1 rounded-sm px-2 py-2 hover:bg-hover"
      >
        <span className="min-w-0 grow">
          <span className="block font-medium">{exact(trace.started_at)}</span>
          <span className="block text-sm text-muted">
            {words.kind(trace.kind)} · {words.strategy(trace.strategy)} · {costs.join(" · ")}
          </span>
        </span>
        <span className="flex flex-wrap gap-1">
          <OutcomeBadge outcome={trace.outcome} />
          <LabelBadges classification={trace.classification} exportControl={trace.export_control} />
        </span>
      </Link>
    </li>
  );
}
