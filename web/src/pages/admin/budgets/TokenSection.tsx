import { useMemo, useState } from "react";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { SelectField } from "@/ui/Field";
import { lazily } from "@/ui/lazily";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { secondsOf } from "../settings/daily";
import { daysFrom, perDay } from "./tokens";
import { TokenTable } from "./TokenTable";
import { useTokenUsage } from "./useBudgets";

const DailyChart = lazily(() => import("../settings/DailyChart"), "DailyChart");

const RANGES_DAYS = [7, 30, 90, 366];

/** Tokens day by day, and who and what used them. */
export function TokenSection() {
  const { t } = useTranslation();
  const formats = useFormats();
  const [count, setCount] = useState(30);
  const usage = useTokenUsage("day", count);
  const days = useMemo(() => daysFrom(usage.data?.since ?? new Date().toISOString().slice(0, 10), count), [usage.data?.since, count]);
  const lines = useMemo(() => {
    const { read, written } = perDay(days, usage.data?.rows ?? []);
    return [
      { label: t("budgets.read"), counts: read },
      { label: t("budgets.written"), counts: written },
    ];
  }, [days, usage.data?.rows, t]);
  const seconds = useMemo(() => secondsOf(days), [days]);
  const range = t("budgets.days", { count });
  return (
    <Section title={t("budgets.tokens")} hint={t("budgets.tokens_hint")}>
      <SelectField label={t("budgets.how_far")} value={count} onChange={(event) => setCount(Number(event.target.value))}>
        {RANGES_DAYS.map((value) => (
          <option key={value} value={value}>
            {t("budgets.days", { count: value })}
          </option>
        ))}
      </SelectField>
      <ProblemNotice error={usage.error} />
      <div role="img" aria-label={t("budgets.chart", { range })} className="min-h-64">
        {usage.data && <DailyChart days={seconds} lines={lines} formats={formats} />}
      </div>
      <TokenTable group="day" days={count} />
      <TokenTable group="person" days={count} />
      <TokenTable group="model" days={count} />
    </Section>
  );
}
