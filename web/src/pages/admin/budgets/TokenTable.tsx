import { useState } from "react";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { usePersonName } from "../users/usePersonName";
import { byMost } from "./tokens";
import { useTokenUsage, type TokenUsageRow, type UsageGroup } from "./useBudgets";

interface Props {
  group: UsageGroup;
  days: number;
}

const COLUMNS = ["requests", "prompt_tokens", "cached_tokens", "completion_tokens", "beyond_budget_tokens"] as const;

/** The same in figures; asked for once somebody wants to see it. */
export function TokenTable({ group, days }: Props) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const title = t(`budgets.table.${group}`);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="inline-flex min-h-target items-center underline">{title}</summary>
      {open && <Rows group={group} days={days} title={title} />}
    </details>
  );
}

function Rows({ group, days, title }: Props & { title: string }) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const usage = useTokenUsage(group, days);
  const nameOf = useRowName(group);
  const rows = group === "day" ? [...(usage.data?.rows ?? [])].reverse() : byMost(usage.data?.rows ?? []);
  if (usage.isSuccess && !rows.length) return <p className="text-muted">{t("budgets.nothing")}</p>;
  return (
    <div className="max-h-80 overflow-auto" tabIndex={0} role="region" aria-label={title}>
      <ProblemNotice error={usage.error} />
      <table className="w-full text-sm">
        <thead className="text-left text-muted">
          <tr>
            <th scope="col" className="py-1 pr-3 font-medium">{t(`budgets.column.${group}`)}</th>
            {COLUMNS.map((column) => (
              <th key={column} scope="col" className="py-1 pr-3 text-right font-medium">{t(`budgets.column.${column}`)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index} className="border-t">
              <th scope="row" className="py-1 pr-3 text-left font-normal">{nameOf(row)}</th>
              {COLUMNS.map((column) => (
                <td key={column} className="py-1 pr-3 text-right tabular-nums">{number(row[column])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What a row is about: a day, a person, or a model by the beginning of its hash. */
function useRowName(group: UsageGroup): (row: TokenUsageRow) => string {
  const { t } = useTranslation();
  const { day } = useFormats();
  const personName = usePersonName();
  return (row) => {
    if (group === "day") return row.day ? day(Date.parse(`${row.day}T00:00:00Z`)) : "–";
    if (group === "person") return row.user_id ? personName(row.user_id) : t("budgets.appliance");
    return [row.tier, row.model?.slice(0, 12) ?? t("budgets.several_models")].filter(Boolean).join(" · ");
  };
}
