import { useState } from "react";
import { ApiProblem } from "@/api/problem";
import { useMay } from "@/app/session";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { SelectField, TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { LIMITS, limitsOf, MOST_TOKENS, OVERFLOWS, type LimitFaults, type LimitName } from "./limits";
import { useSetBudgets, type BudgetLimits } from "./useBudgets";

/** How much may be used, and what happens when it is. */
export function BudgetForm({ limits }: { limits: BudgetLimits }) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const change = useMay()("settings.change");
  const save = useSetBudgets();
  const [faults, setFaults] = useState<LimitFaults>({});
  const told = save.error instanceof ApiProblem ? (save.error.document.errors ?? []) : [];
  const faultOf = (name: LimitName): string | null => {
    const own = faults[name];
    if (own) return own === "most" ? t("budgets.most", { tokens: number(MOST_TOKENS) }) : t("budgets.whole");
    return told.find(({ field }) => field === name)?.reason ?? null;
  };
  const submit = (data: FormData) => {
    const read = limitsOf(data);
    setFaults(read.faults);
    save.reset();
    if (!Object.keys(read.faults).length) save.mutate(read.limits);
  };
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        submit(new FormData(event.currentTarget));
      }}
    >
      <ProblemNotice error={save.error} />
      {save.isSuccess && <Notice tone="good" role="status" title={t("state.saved")} />}
      <fieldset disabled={!change} className="contents">
        <div className="grid gap-4 sm:grid-cols-2">
          {LIMITS.map((name) => (
            <TextField
              key={name}
              label={t(`budgets.limit.${name}`)}
              hint={t("budgets.limit_hint")}
              fault={faultOf(name)}
              name={name}
              inputMode="numeric"
              autoComplete="off"
              className="tabular-nums"
              defaultValue={limits[name] ? number(limits[name]) : ""}
            />
          ))}
        </div>
        <SelectField label={t("budgets.overflow")} hint={t("budgets.overflow_hint")} name="overflow" defaultValue={limits.overflow}>
          {OVERFLOWS.map((policy) => (
            <option key={policy} value={policy}>
              {t(`budgets.policy.${policy}`)}
            </option>
          ))}
        </SelectField>
        {change && (
          <Button look="primary" type="submit" className="self-start" busy={save.isPending}>
            {t("action.save")}
          </Button>
        )}
      </fieldset>
    </form>
  );
}
