import { useQueryClient } from "@tanstack/react-query";
import { FileUp } from "lucide-react";
import { useEffect, useState } from "react";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Button, buttonClass } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Page";
import { Progress } from "@/ui/Progress";
import { ModelProblem } from "./ModelProblem";
import { cancelImport, forgetImport, importModel, isGoing, onImportEnded, useImporting, type Importing } from "./importing";
import { MODELS } from "./useModels";

/** Brings a model in from a file. */
export function ImportSection() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const importing = useImporting();
  useEffect(() => onImportEnded(() => void client.invalidateQueries({ queryKey: MODELS })), [client]);
  const going = importing && isGoing(importing);
  return (
    <Section title={t("models.import")} hint={t("models.import_hint")}>
      {importing && !going && <Outcome importing={importing} />}
      {going ? <Going importing={importing} /> : <ImportForm />}
    </Section>
  );
}

function ImportForm() {
  const { t } = useTranslation();
  const { bytes } = useFormats();
  const [file, setFile] = useState<File | null>(null);
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        const name = String(new FormData(event.currentTarget).get("name")).trim();
        if (file) void importModel(file, name || null);
      }}
    >
      <div className="flex flex-wrap items-center gap-3">
        <label className={buttonClass("secondary", "focus-within:outline-3 focus-within:outline-accent")}>
          <FileUp aria-hidden className="size-5" />
          {t("models.choose")}
          <input type="file" accept=".gguf" className="sr-only" onChange={(event) => setFile(event.target.files?.[0] ?? null)} />
        </label>
        {file && (
          <span className="min-w-0 break-all">
            {file.name} <span className="text-muted tabular-nums">{bytes(file.size)}</span>
          </span>
        )}
      </div>
      {file && (
        <>
          <TextField label={t("models.name")} hint={t("models.name_hint")} name="name" maxLength={80} autoComplete="off" spellCheck={false} />
          <Button look="primary" type="submit" className="self-start">
            {t("models.import")}
          </Button>
        </>
      )}
    </form>
  );
}

function Going({ importing }: { importing: Importing }) {
  const { t } = useTranslation();
  const { bytes } = useFormats();
  const { file, state, sentBytes } = importing;
  const sending = state === "sending";
  return (
    <div className="flex flex-col gap-2" data-state={state}>
      <p role="status" className="font-medium break-all">
        {sending ? t("models.sending", { name: file.name }) : t("models.checking", { name: file.name })}
      </p>
      <Progress label={file.name} value={sending ? sentBytes : null} max={file.size} />
      <div className="flex flex-wrap items-center gap-3">
        <p className="grow text-sm text-muted tabular-nums">
          {t("models.sent", { sent: bytes(Math.min(sentBytes, file.size)), size: bytes(file.size) })}
        </p>
        <Button onClick={cancelImport}>{t("action.cancel")}</Button>
      </div>
    </div>
  );
}

function Outcome({ importing }: { importing: Importing }) {
  const { t } = useTranslation();
  const { bytes } = useFormats();
  const { state, model, error, file, name } = importing;
  return (
    <div className="flex flex-col gap-3" data-state={state}>
      {state === "done" && model && (
        <Notice tone="good" role="status" title={t("models.arrived", { name: model.name })}>
          <p>{t("models.fits", { memory: bytes(model.memory.total_bytes) })}</p>
        </Notice>
      )}
      {state === "cancelled" && <Notice role="status" title={t("models.cancelled", { name: file.name })} />}
      <ModelProblem error={error} />
      <div className="flex flex-wrap gap-2">
        {state !== "done" && <Button onClick={() => void importModel(file, name)}>{t("action.try_again")}</Button>}
        <Button look="quiet" onClick={forgetImport}>
          {t("action.close")}
        </Button>
      </div>
    </div>
  );
}
