import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { ProblemNotice } from "./ProblemNotice";

interface Props {
  open: boolean;
  title: string;
  what: string;
  confirm: string;
  busy?: boolean;
  error?: unknown;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that can't be taken back. */
export function ConfirmDialog({ open, title, what, confirm, busy, error, onConfirm, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Dialog open={open} onClose={onClose} title={title}>
      <div className="flex flex-col gap-5">
        <p>{what}</p>
        <ProblemNotice error={error} />
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="danger" busy={busy} onClick={onConfirm}>
            {confirm}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
