import type { Document, Revision } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { useDocumentChanges } from "./useDocument";

interface Props {
  document: Document;
  revision: Revision;
  onClose: () => void;
}

/** Says that another document took the place of a revision. */
export function SupersedeDialog({ document, revision, onClose }: Props) {
  const { t } = useTranslation();
  const { supersede } = useDocumentChanges(document.id);
  const { number } = revision;
  return (
    <ConfirmDialog
      open
      title={t("document.supersede_title", { number })}
      what={t("document.supersede_what")}
      confirm={t("document.supersede")}
      busy={supersede.isPending}
      error={supersede.error}
      onConfirm={() => supersede.mutate(revision.id, { onSuccess: onClose })}
      onClose={onClose}
    />
  );
}
