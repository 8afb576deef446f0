import { Plus, Trash2 } from "lucide-react";
import { useId, type ReactNode } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Button, IconButton } from "@/ui/Button";
import { TextAreaField } from "@/ui/Field";
import type { Example } from "./override";

const EXAMPLES_MAX = 6;

interface Props {
  label: string;
  hint: ReactNode;
  fault: string | null;
  examples: Example[];
  onChange: (examples: Example[]) => void;
}

/** Tasks with good answers to them. */
export function ExampleFields({ label, hint, fault, examples, onChange }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const put = (at: number, part: Partial<Example>) =>
    onChange(examples.map((example, index) => (index === at ? { ...example, ...part } : example)));
  return (
    <fieldset aria-describedby={id} className="flex min-w-0 flex-col gap-3">
      <legend className="font-medium">{label}</legend>
      {examples.map((example, index) => (
        <div key={index} className="flex gap-2 rounded-md border p-3">
          <div className="flex min-w-0 grow flex-col gap-3">
            <TextAreaField
              label={t("specialists.example_task", { number: index + 1 })}
              value={example.task}
              rows={2}
              onChange={(event) => put(index, { task: event.target.value })}
            />
            <TextAreaField
              label={t("specialists.example_answer", { number: index + 1 })}
              value={example.answer}
              rows={4}
              onChange={(event) => put(index, { answer: event.target.value })}
            />
          </div>
          <IconButton
            label={t("specialists.example_remove", { number: index + 1 })}
            onClick={() => onChange(examples.filter((_, at) => at !== index))}
          >
            <Trash2 aria-hidden className="size-5" />
          </IconButton>
        </div>
      ))}
      {examples.length < EXAMPLES_MAX && (
        <Button className="self-start" icon={<Plus aria-hidden className="size-5" />} onClick={() => onChange([...examples, { task: "", answer: "" }])}>
          {t("specialists.example_add")}
        </Button>
      )}
      <div id={id} className="text-sm text-muted">
        {hint}
        {fault && <p className="text-bad">{fault}</p>}
      </div>
    </fieldset>
  );
}
