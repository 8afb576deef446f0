import { useTranslation } from "@/i18n/useTranslation";
import { Skeleton } from "@/ui/States";
import { StepList } from "./StepList";
import { rootOf, rowsOf, UNSEEN } from "./steps";
import { useWorkflow } from "./useWorkflows";

/** What a workflow does, step by step, for those who want to know beforehand. */
export function Outline({ workflow }: { workflow: string }) {
  const { t } = useTranslation();
  const details = useWorkflow(workflow);
  return (
    <details className="rounded-md border">
      <summary className="min-h-target px-4 py-2.5 font-medium">{t("workflow.outline")}</summary>
      <div className="px-4 pb-3">
        {details.isPending && <Skeleton lines={3} />}
        {details.data && <StepList rows={rowsOf(rootOf(details.data.definition), UNSEEN)} plain />}
      </div>
    </details>
  );
}
