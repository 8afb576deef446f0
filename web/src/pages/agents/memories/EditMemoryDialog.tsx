import { ApiProblem } from "@/api/problem";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { faultsOf } from "../workflows/schemaForm";
import { dayOf, endOf } from "./days";
import { MemoryFields } from "./MemoryFields";
import { useMemoryChanges, type Memory, type MemoryPatch } from "./useMemories";

interface Props {
  memory: Memory;
  onClose: () => void;
}

/** Corrects what is remembered. */
export function EditMemoryDialog({ memory, onClose }: Props) {
  const { t } = useTranslation();
  const { change } = useMemoryChanges();
  const faults = faultsOf(change.error instanceof ApiProblem ? (change.error.document.errors ?? []) : []);
  const submit = (data: FormData) => {
    const text = String(data.get("text")).trim();
    const expires = String(data.get("expires") ?? "");
    const body: MemoryPatch = { importance: Number(data.get("importance")) };
    if (text !== memory.text) body.text = text;
    if (expires !== dayOf(memory.expires_at)) {
      if (expires) body.expires_at = endOf(expires);
      else body.keep = true;
    }
    change.mutate({ memory, body }, { onSuccess: onClose });
  };
  return (
    <Dialog open onClose={onClose} title={t("memory.edit")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          submit(new FormData(event.currentTarget));
        }}
      >
        <ProblemNotice error={change.error} />
        <MemoryFields text={memory.text} importance={memory.importance} expiresAt={memory.expires_at} faults={faults} />
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
