import { useState } from "react";
import { CLASSIFICATIONS, type DocumentDetails } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { CheckField, SelectField, TextAreaField, TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { detailsOf, linesOf } from "./details";
import { labelChange } from "./labelChange";
import { patchOf } from "./patchOf";
import { useDocumentChanges } from "./useDocument";

interface Props {
  document: DocumentDetails;
  onClose: () => void;
}

/** Changes what is said about a document, with the reason for the log. */
export function ChangeDialog({ document, onClose }: Props) {
  const { t } = useTranslation();
  const { current } = document;
  const { change } = useDocumentChanges(document.id);
  const [label, setLabel] = useState({ classification: current.classification, export_control: current.export_control });
  const [fault, setFault] = useState<{ line: number } | "nothing" | null>(null);
  const direction = labelChange(current, label);
  const submit = (data: FormData) => {
    const read = detailsOf(String(data.get("details") ?? ""), current.metadata);
    if ("fault" in read) return setFault({ line: read.fault });
    const patch = patchOf(document, {
      title: String(data.get("title")),
      tags: String(data.get("tags")).split(","),
      metadata: read.details,
      label,
      all_revisions: data.get("all_revisions") !== null,
    });
    setFault(patch ? null : "nothing");
    if (patch) change.mutate({ ...patch, reason: String(data.get("reason")).trim() }, { onSuccess: onClose });
  };
  return (
    <Dialog open onClose={onClose} title={t("document.change_title", { title: document.title })}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          submit(new FormData(event.currentTarget));
        }}
      >
        <p className="text-muted">{t("document.change_what")}</p>
        <ProblemNotice error={change.error} />
        {fault === "nothing" && <Notice tone="warn" role="alert" title={t("document.change_nothing")} />}
        <TextField label={t("upload.name")} name="title" defaultValue={document.title} maxLength={300} required />
        <SelectField label={t("classification.label")} value={label.classification} onChange={(event) => setLabel({ ...label, classification: event.target.value })}>
          {CLASSIFICATIONS.map((value) => (
            <option key={value} value={value}>
              {t(`classification.${value}`)}
            </option>
          ))}
        </SelectField>
        <CheckField
          label={t("export_control.controlled")}
          checked={label.export_control === "controlled"}
          onChange={(event) => setLabel({ ...label, export_control: event.target.checked ? "controlled" : "none" })}
        />
        {direction !== "kept" && <Notice tone="warn" role="status" title={t(`document.${direction}`)} />}
        {direction !== "kept" && document.revisions.length > 1 && <CheckField label={t("document.all_revisions")} name="all_revisions" />}
        <TextField label={t("upload.tags")} hint={t("upload.tags_hint")} name="tags" defaultValue={current.tags.join(", ")} />
        <TextAreaField
          label={t("document.details")}
          hint={t("document.details_hint")}
          fault={fault && fault !== "nothing" ? t("document.details_fault", fault) : null}
          name="details"
          rows={3}
          defaultValue={linesOf(current.metadata)}
        />
        <TextAreaField label={t("document.change_reason")} hint={t("document.reason_hint")} name="reason" rows={2} maxLength={500} required />
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="primary" type="submit" busy={change.isPending}>
            {t("action.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
