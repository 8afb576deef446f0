import { useNavigate } from "@tanstack/react-router";
import { RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Trace } from "@/api/types";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Button, IconButton } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { useDeleteTrace, type useReplay } from "./useTraces";

interface Props {
  trace: Trace;
  replay: ReturnType<typeof useReplay>;
}

/** Running a trace once more, and deleting it. */
export function TraceActions({ trace, replay }: Props) {
  const { t } = useTranslation();
  const may = useMay();
  const navigate = useNavigate();
  const remove = useDeleteTrace(trace.id);
  const [asking, setAsking] = useState(false);
  return (
    <div className="flex gap-2">
      {may("chat.send") && (
        <Button icon={<RotateCcw aria-hidden className="size-5" />} busy={replay.isPending} onClick={() => replay.mutate()}>
          {replay.isPending ? t("trace.replaying") : t("trace.replay")}
        </Button>
      )}
      <IconButton label={t("trace.delete")} onClick={() => setAsking(true)}>
        <Trash2 aria-hidden className="size-5" />
      </IconButton>
      <ConfirmDialog
        open={asking}
        title={t("trace.delete_title")}
        what={t("trace.delete_what")}
        confirm={t("trace.delete")}
        busy={remove.isPending}
        error={remove.error}
        onClose={() => setAsking(false)}
        onConfirm={() => remove.mutate(undefined, { onSuccess: () => navigate({ to: "/agents/playground" }) })}
      />
    </div>
  );
}
