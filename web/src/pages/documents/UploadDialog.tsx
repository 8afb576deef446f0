import { useState } from "react";
import { CLASSIFICATIONS } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { FileChoice } from "./FileChoice";
import { addUploads } from "./uploads";

interface Props {
  open: boolean;
  onClose: () => void;
  /** Files that were dropped. */
  dropped?: readonly File[];
  /** The document of which a revision is added. */
  revisionOf?: { key: string; title: string; classification: string; export_control: string };
}

/** Which files, how secret, from when. */
export function UploadDialog({ open, onClose, dropped, revisionOf }: Props) {
  const { t } = useTranslation();
  const title = revisionOf ? t("upload.revision_title", { title: revisionOf.title }) : t("upload.title");
  return (
    <Dialog open={open} onClose={onClose} title={title}>
      <UploadForm onClose={onClose} dropped={dropped} revisionOf={revisionOf} />
    </Dialog>
  );
}

function UploadForm({ onClose, dropped = [], revisionOf }: Omit<Props, "open">) {
  const { t } = useTranslation();
  const [files, setFiles] = useState<readonly File[]>(dropped);
  const submit = (data: FormData) => {
    const text = (name: string) => String(data.get(name) ?? "").trim() || undefined;
    const day = text("effective_from");
    addUploads(files, {
      key: revisionOf?.key ?? (files.length === 1 ? text("key") : undefined),
      title: revisionOf ? undefined : files.length === 1 ? text("title") : undefined,
      classification: text("classification"),
      export_control: data.get("export_control") ? "controlled" : undefined,
      tags: text("tags"),
      effective_from: day && new Date(`${day}T00:00:00`).toISOString(),
    });
    onClose();
  };
  const one = files.length === 1 && !revisionOf;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        submit(new FormData(event.currentTarget));
      }}
    >
      <FileChoice files={files} several={!revisionOf} onFiles={setFiles} />
      {one && (
        <>
          <TextField label={t("upload.name")} hint={t("upload.name_hint")} name="title" maxLength={300} />
          <TextField label={t("upload.key")} hint={t("upload.key_hint")} name="key" maxLength={200} />
        </>
      )}
      <SelectField label={t("classification.label")} name="classification" defaultValue={revisionOf?.classification ?? ""}>
        {!revisionOf && <option value="">{t("upload.classification_default")}</option>}
        {CLASSIFICATIONS.map((value) => (
          <option key={value} value={value}>
            {t(`classification.${value}`)}
          </option>
        ))}
      </SelectField>
      <CheckField label={t("export_control.controlled")} name="export_control" defaultChecked={revisionOf?.export_control === "controlled"} />
      <TextField label={t("upload.tags")} hint={t("upload.tags_hint")} name="tags" />
      <TextField label={t("upload.effective_from")} hint={t("upload.effective_from_hint")} name="effective_from" type="date" />
      <div className="flex justify-end gap-3">
        <Button onClick={onClose}>{t("action.cancel")}</Button>
        <Button look="primary" type="submit" disabled={!files.length}>
          {files.length ? t("upload.submit", { count: files.length }) : t("documents.upload")}
        </Button>
      </div>
    </form>
  );
}
