import { useState } from "react";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { useRunChanges } from "./useWorkflows";

/** Ends a run that goes on or waits. */
export function CancelRun({ run }: { run: { id: string } }) {
  const { t } = useTranslation();
  const may = useMay();
  const { cancel } = useRunChanges();
  const [asking, setAsking] = useState(false);
  if (!may("workflows.run")) return null;
  // A step that is under way comes to its end first.
  const asked = cancel.isPending || cancel.isSuccess;
  return (
    <>
      <Button disabled={asked} onClick={() => setAsking(true)}>
        {asked ? t("run.cancelling") : t("run.cancel")}
      </Button>
      <ConfirmDialog
        open={asking}
        title={t("run.cancel_title")}
        what={t("run.cancel_what")}
        confirm={t("run.cancel")}
        busy={cancel.isPending}
        error={cancel.error}
        onConfirm={() => cancel.mutate(run.id, { onSuccess: () => setAsking(false) })}
        onClose={() => setAsking(false)}
      />
    </>
  );
}
