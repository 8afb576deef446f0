import { Link } from "@tanstack/react-router";
import { useTranslation } from "@/i18n/useTranslation";
import { Notice } from "@/ui/Notice";
import { FaultText } from "../workflows/FaultText";
import type { RunDetails } from "../workflows/useWorkflows";
import type { Plan } from "./usePlans";

interface Props {
  plan: Plan;
  /** The run of this version, or of the one before while this one waits for its approval. */
  run: RunDetails | undefined;
}

/** That a plan failed and was made anew, and why. */
export function Replanned({ plan, run }: Props) {
  const { t } = useTranslation();
  const proposed = plan.state === "proposed";
  const left = Math.max(plan.replans_max + 1 - plan.version, 0);
  return (
    <Notice tone={proposed ? "warn" : "info"} title={t("plan.anew", { number: plan.version })}>
      <p>
        {proposed && t("plan.anew_next")} {left === 0 ? t("plan.anew_last") : t("plan.anew_left", { count: left })}
      </p>
      {proposed && run?.error && <FaultText fault={run.error} />}
      {proposed && run && (
        <Link to="/agents/workflows/runs/$runId" params={{ runId: run.id }} className="self-start font-medium underline">
          {t("plan.failed_run")}
        </Link>
      )}
    </Notice>
  );
}
