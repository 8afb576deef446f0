import type { Document, Revision } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextAreaField } from "@/ui/Field";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { useDocumentChanges } from "./useDocument";

interface Props {
  document: Document;
  revision: Revision;
  onClose: () => void;
}

/** Takes a revision out of all answers, with the reason for the log. */
export function WithdrawDialog({ document, revision, onClose }: Props) {
  const { t } = useTranslation();
  const { withdraw } = useDocumentChanges(document.id);
  return (
    <Dialog open onClose={onClose} title={t("document.withdraw_title", { number: revision.number })}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const reason = String(new FormData(event.currentTarget).get("reason") ?? "").trim();
          withdraw.mutate({ revision_id: revision.id, reason }, { onSuccess: onClose });
        }}
      >
        <p>{t("document.withdraw_what")}</p>
        <ProblemNotice error={withdraw.error} />
        <TextAreaField label={t("document.reason")} hint={t("document.reason_hint")} name="reason" rows={3} maxLength={500} />
        <div className="flex justify-end gap-3">
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="danger" type="submit" busy={withdraw.isPending}>
            {t("document.withdraw")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
