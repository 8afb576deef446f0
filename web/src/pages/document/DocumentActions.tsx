import { useNavigate } from "@tanstack/react-router";
import { Ellipsis, Pencil, RefreshCw, Trash2, Upload } from "lucide-react";
import { useState } from "react";
import type { DocumentDetails } from "@/api/types";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Button, IconButton } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Menu } from "@/ui/Menu";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { UploadDialog } from "../documents/UploadDialog";
import { ChangeDialog } from "./ChangeDialog";
import { useDocumentChanges } from "./useDocument";

/** What the person's role may do with a document. */
export function DocumentActions({ document }: { document: DocumentDetails }) {
  const { t } = useTranslation();
  const may = useMay();
  const navigate = useNavigate();
  const [open, setOpen] = useState<"upload" | "change" | "delete" | null>(null);
  const { remove, reindex } = useDocumentChanges(document.id);
  const close = () => setOpen(null);
  if (!may("documents.upload")) return null;
  const { classification, export_control } = document.current;
  return (
    <>
      <Button look="primary" icon={<Upload aria-hidden className="size-5" />} onClick={() => setOpen("upload")}>
        {t("document.new_revision")}
      </Button>
      <Menu
        trigger={
          <IconButton label={t("document.actions")}>
            <Ellipsis aria-hidden />
          </IconButton>
        }
        entries={[
          { label: t("document.change"), icon: <Pencil aria-hidden className="size-5" />, onSelect: () => setOpen("change") },
          { label: t("document.reindex"), icon: <RefreshCw aria-hidden className="size-5" />, onSelect: () => reindex.mutate() },
          {
            label: t("document.delete"),
            icon: <Trash2 aria-hidden className="size-5" />,
            danger: true,
            onSelect: () => setOpen("delete"),
          },
        ]}
      />
      <ProblemNotice error={reindex.error} />
      <UploadDialog open={open === "upload"} onClose={close} revisionOf={{ key: document.key, title: document.title, classification, export_control }} />
      {open === "change" && <ChangeDialog document={document} onClose={close} />}
      <ConfirmDialog
        open={open === "delete"}
        title={t("document.delete_title")}
        what={t("document.delete_what", { title: document.title })}
        confirm={t("document.delete")}
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(undefined, { onSuccess: () => void navigate({ to: "/documents" }) })}
        onClose={close}
      />
    </>
  );
}
