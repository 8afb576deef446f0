import { ApiProblem } from "@/api/problem";
import { CLASSIFICATIONS } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { SelectField } from "@/ui/Field";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { faultsOf } from "../workflows/schemaForm";
import { endOf } from "./days";
import { MemoryFields } from "./MemoryFields";
import { KINDS, useMemoryChanges } from "./useMemories";

interface Props {
  agents: { name: string; title: string }[];
  /** Who is meant when the list shows one agent alone. */
  agent?: string;
  onClose: () => void;
}

/** Tells an agent something that it shall remember. */
export function AddMemoryDialog({ agents, agent, onClose }: Props) {
  const { t } = useTranslation();
  const { add } = useMemoryChanges();
  const faults = faultsOf(add.error instanceof ApiProblem ? (add.error.document.errors ?? []) : []);
  const submit = (data: FormData) => {
    const text = (name: string) => String(data.get(name) ?? "");
    const body = {
      kind: text("kind"),
      text: text("text").trim(),
      importance: Number(text("importance")),
      classification: text("classification"),
      expires_at: text("expires") ? endOf(text("expires")) : null,
    };
    add.mutate({ agent: text("agent"), body }, { onSuccess: onClose });
  };
  return (
    <Dialog open onClose={onClose} title={t("memory.add_title")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          submit(new FormData(event.currentTarget));
        }}
      >
        <ProblemNotice error={add.error} />
        <SelectField label={t("memory.agent")} name="agent" defaultValue={agent}>
          {agents.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </SelectField>
        <SelectField label={t("memory.kind_label")} fault={faults.get("kind")} name="kind" defaultValue="fact">
          {KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {t(`memory.kind.${kind}`)}
            </option>
          ))}
        </SelectField>
        <MemoryFields faults={faults} />
        <SelectField label={t("classification.label")} hint={t("memory.classification_hint")} fault={faults.get("classification")} name="classification" defaultValue="PUBLIC">
          {CLASSIFICATIONS.map((one) => (
            <option key={one} value={one}>
              {t(`classification.${one}`)}
            </option>
          ))}
        </SelectField>
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="primary" type="submit" busy={add.isPending}>
            {t("memory.add_confirm")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
