import { ChevronRight } from "lucide-react";
import { useEffect, useState } from "react";
import type { ApiProblem } from "@/api/problem";
import { TIERS } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { faultOf } from "@/reasoning/faultOf";
import { useAgentsThere } from "@/reasoning/useAgents";
import { useAgentWords } from "@/reasoning/useAgentWords";
import { SelectField, TextField } from "@/ui/Field";
import { STRATEGIES } from "./settings";

/** As the appliance holds them. */
const TEMPERATURE_MOST = 2;
/** Tools cost tokens: with a specialist twice as many are usual. */
const BUDGET = { least: 500, usual: 24_000, usual_agent: 48_000, most: 400_000 };
const SEED_MOST = 4_294_967_295;

/** How a run is to think. */
export function SettingsFields({ problem }: { problem: ApiProblem | null }) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const fault = (name: string) => faultOf(problem, `settings.${name}`);
  const [open, setOpen] = useState(false);
  const [agent, setAgent] = useState("");
  const faulty = Boolean(faultOf(problem, "settings"));
  useEffect(() => {
    if (faulty) setOpen(true);
  }, [faulty]);
  return (
    <details className="group" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="flex min-h-target list-none items-center gap-2 rounded-sm font-medium hover:bg-hover [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden className="size-5 text-muted transition-transform group-open:rotate-90" />
        {t("playground.settings")}
      </summary>
      <div className="grid gap-4 py-3 sm:grid-cols-2 lg:grid-cols-3">
        <AgentField value={agent} onChange={setAgent} fault={fault("agent")} />
        <SelectField label={t("playground.strategy")} name="strategy" hint={t("playground.strategy_hint")} fault={fault("strategy")}>
          <option value="">{t("playground.automatic")}</option>
          {STRATEGIES.map((strategy) => (
            <option key={strategy} value={strategy}>
              {t(`strategy.${strategy}`)}
            </option>
          ))}
        </SelectField>
        <SelectField label={t("playground.tier")} name="tier" hint={t("playground.tier_hint")} fault={fault("tier")}>
          <option value="">{t("playground.automatic")}</option>
          {TIERS.map((tier) => (
            <option key={tier} value={tier}>
              {t(`tier_name.${tier}`)}
            </option>
          ))}
        </SelectField>
        <TextField
          label={t("playground.budget")}
          name="budget_tokens"
          type="number"
          min={BUDGET.least}
          max={BUDGET.most}
          hint={t("playground.budget_hint", { least: number(BUDGET.least), most: number(BUDGET.most), usual: number(agent ? BUDGET.usual_agent : BUDGET.usual) })}
          fault={fault("budget_tokens")}
        />
        <TextField
          label={t("playground.temperature")}
          name="temperature"
          type="number"
          min={0}
          max={TEMPERATURE_MOST}
          step={0.1}
          hint={t("playground.temperature_hint")}
          fault={fault("temperature")}
        />
        <TextField
          label={t("playground.seed")}
          name="seed"
          type="number"
          min={0}
          max={SEED_MOST}
          hint={t("playground.seed_hint")}
          fault={fault("seed")}
        />
      </div>
    </details>
  );
}

interface AgentFieldProps {
  value: string;
  onChange: (agent: string) => void;
  fault: string | null;
}

/** Whose tools, instructions and limit take part; nobody's at first. */
function AgentField({ value, onChange, fault }: AgentFieldProps) {
  const { t } = useTranslation();
  const agents = useAgentsThere();
  const words = useAgentWords();
  return (
    <SelectField
      label={t("playground.agent")}
      name="agent"
      hint={t("playground.agent_hint")}
      fault={fault}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      <option value="">{t("playground.no_agent")}</option>
      {agents.map((agent) => (
        <option key={agent.name} value={agent.name}>
          {words(agent).title}
        </option>
      ))}
    </SelectField>
  );
}
