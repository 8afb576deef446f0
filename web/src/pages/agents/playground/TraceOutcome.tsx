import { Link } from "@tanstack/react-router";
import type { Trace } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { LabelBadges } from "@/ui/Badge";
import { OutcomeBadge } from "./OutcomeBadge";

/** What a run came to. */
export function TraceOutcome({ trace, linked = false }: { trace: Trace; linked?: boolean }) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <OutcomeBadge outcome={trace.outcome} />
        <LabelBadges classification={trace.classification} exportControl={trace.export_control} />
        {linked && (
          <Link
            to="/agents/playground/traces/$traceId"
            params={{ traceId: trace.id }}
            className="ml-auto inline-flex min-h-target items-center underline"
          >
            {t("reasoning.open_trace")}
          </Link>
        )}
      </div>
      <p className="text-lg leading-relaxed wrap-anywhere whitespace-pre-wrap">{trace.answer || t("trace.no_answer")}</p>
    </div>
  );
}
