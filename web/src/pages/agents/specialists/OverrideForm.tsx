import { useEffect, useRef, useState } from "react";
import { ApiProblem } from "@/api/problem";
import { CLASSIFICATIONS, TIERS, type Agent } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { faultOf } from "@/reasoning/faultOf";
import { Button } from "@/ui/Button";
import { SelectField, TextAreaField, TextField } from "@/ui/Field";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { ExampleFields } from "./ExampleFields";
import { changeOf, FIELDS, takeBackName, valuesOf, type Field } from "./override";
import { isHinted, TakeBack } from "./TakeBack";
import { ToolFields } from "./ToolFields";
import { useOverride } from "./useOverride";

interface Props {
  agent: Agent;
  everyTool: string[];
  onDone: () => void;
}

/** What is different about an agent in the tenant. */
export function OverrideForm({ agent, everyTool, onDone }: Props) {
  const { t } = useTranslation();
  const override = useOverride(agent.name);
  const form = useRef<HTMLFormElement>(null);
  const [examples, setExamples] = useState(agent.examples);
  const problem = override.error instanceof ApiProblem ? override.error : null;
  const besideField = FIELDS.some((field) => faultOf(problem, field));
  useEffect(() => {
    if (problem) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [problem]);
  const wired = (field: Field) => ({
    name: field,
    label: t(`specialist_field.${field}`),
    fault: faultOf(problem, field),
    hint: isHinted(agent, field) ? <TakeBack agent={agent} field={field} /> : undefined,
  });
  const save = (data: FormData) => {
    const takenBack = new Set(FIELDS.filter((field) => data.has(takeBackName(field))));
    override.mutate(changeOf(agent, valuesOf(data, examples), takenBack), { onSuccess: onDone });
  };
  return (
    <form
      ref={form}
      noValidate
      className="flex flex-col gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        save(new FormData(event.currentTarget));
      }}
    >
      <p className="text-muted">{t("specialists.change_hint")}</p>
      <TextField {...wired("title")} defaultValue={agent.title} />
      <TextAreaField {...wired("purpose")} defaultValue={agent.purpose} rows={3} />
      <TextAreaField {...wired("instructions")} defaultValue={agent.instructions} rows={8} />
      <ToolFields {...wired("tools")} everyTool={everyTool} chosen={agent.tools} />
      <div className="grid gap-5 sm:grid-cols-2">
        <SelectField {...wired("tier")} defaultValue={agent.tier}>
          {TIERS.map((tier) => (
            <option key={tier} value={tier}>
              {t(`tier_name.${tier}`)}
            </option>
          ))}
        </SelectField>
        <SelectField {...wired("ceiling")} defaultValue={agent.ceiling}>
          {CLASSIFICATIONS.map((one) => (
            <option key={one} value={one}>
              {t(`classification.${one}`)}
            </option>
          ))}
        </SelectField>
        <TextField {...wired("turns")} type="number" min={1} defaultValue={agent.turns} />
        <TextField {...wired("answer_tokens")} type="number" min={1} defaultValue={agent.answer_tokens} />
      </div>
      <TextAreaField {...wired("signals")} defaultValue={agent.signals.join("\n")} rows={5} />
      <ExampleFields {...wired("examples")} examples={examples} onChange={setExamples} />
      {!besideField && <ProblemNotice error={override.error} />}
      <div className="flex flex-wrap justify-end gap-3">
        {agent.changed.length > 0 && (
          <Button look="danger" className="mr-auto" busy={override.isPending} onClick={() => override.mutate(null, { onSuccess: onDone })}>
            {t("specialists.reset")}
          </Button>
        )}
        <Button onClick={onDone}>{t("action.cancel")}</Button>
        <Button look="primary" type="submit" busy={override.isPending}>
          {t("action.save")}
        </Button>
      </div>
    </form>
  );
}
