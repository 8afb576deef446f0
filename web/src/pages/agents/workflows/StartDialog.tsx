import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { ApiProblem } from "@/api/problem";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Outline } from "./Outline";
import { SchemaField, SchemaFields } from "./SchemaField";
import { controlOf, draftOf, faultsOf, valueOf, type JsonSchema } from "./schemaForm";
import { useDuration } from "@/i18n/duration";
import { useRunChanges, type Workflow } from "./useWorkflows";
import { useWorkflowWords } from "./useWorkflowWords";

/** What a workflow's input is called in the fields that the appliance finds at fault. */
const INPUT = "input";

interface Props {
  workflow: Workflow;
  onClose: () => void;
}

/** Asks for what a workflow takes, and starts it. */
export function StartDialog({ workflow, onClose }: Props) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const duration = useDuration();
  const words = useWorkflowWords();
  const navigate = useNavigate();
  const { start } = useRunChanges();
  const schema = workflow.input as JsonSchema;
  const [draft, setDraft] = useState(() => draftOf(schema));
  const form = useRef<HTMLFormElement>(null);
  const faults = faultsOf(start.error instanceof ApiProblem ? (start.error.document.errors ?? []) : []);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [start.error]);
  const submit = () =>
    start.mutate(
      { workflow: workflow.name, input: valueOf(schema, draft) ?? {} },
      { onSuccess: (run) => void navigate({ to: "/agents/workflows/runs/$runId", params: { runId: run.id } }) },
    );
  const shared = { schema, draft, path: INPUT, faults, onChange: setDraft };
  return (
    <Dialog open onClose={onClose} title={words.title(workflow)} side="right">
      <form
        ref={form}
        className="flex flex-col gap-5"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <p>{words.description(workflow)}</p>
        <ProblemNotice error={start.error} />
        {controlOf(schema) === "group" ? (
          <SchemaFields
            {...shared}
            words={{ label: (name) => words.field(workflow.name, name), hint: (name) => words.hint(workflow.name, name) }}
          />
        ) : (
          <SchemaField {...shared} label={t("workflow.input")} required={false} />
        )}
        <Outline workflow={workflow.name} />
        <p className="text-sm text-muted">
          {t("workflow.limits", { tokens: number(workflow.tokens), time: duration(workflow.deadline_s * 1000) })}
        </p>
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="primary" type="submit" busy={start.isPending}>
            {t("workflow.start")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
