import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, take } from "@/api/client";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { SelectField } from "@/ui/Field";
import { lazily } from "@/ui/lazily";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { GROUP_NAMES, linesOf, secondsOf, type Group } from "./daily";

const DailyChart = lazily(() => import("./DailyChart"), "DailyChart");

const RANGES_DAYS = [7, 30, 90, 365];

/** How often things were done, day by day, as a chart and as a table. */
export function DailySection() {
  const { t } = useTranslation();
  const formats = useFormats();
  const [group, setGroup] = useState<Group>("questions");
  const [days, setDays] = useState(30);
  const daily = useQuery({
    queryKey: ["metrics", "daily", days],
    queryFn: ({ signal }) => take(api.GET("/api/v1/admin/metrics/daily", { params: { query: { days } }, signal })),
    placeholderData: (before) => before,
  });
  const lines = useMemo(
    () => (daily.data ? linesOf(daily.data, group).map(({ name, counts }) => ({ label: t(`usage.series.${name}`), counts })) : []),
    [daily.data, group, t],
  );
  const seconds = useMemo(() => secondsOf(daily.data?.days ?? []), [daily.data]);
  const what = t(`usage.group.${group}`);
  return (
    <Section title={t("usage.daily")} hint={t("usage.daily_hint")}>
      <div className="grid gap-3 sm:grid-cols-2">
        <SelectField
          label={t("usage.what")}
          value={group}
          onChange={(event) => {
            const next = GROUP_NAMES.find((name) => name === event.target.value);
            if (next) setGroup(next);
          }}
        >
          {GROUP_NAMES.map((name) => (
            <option key={name} value={name}>
              {t(`usage.group.${name}`)}
            </option>
          ))}
        </SelectField>
        <SelectField label={t("usage.days")} value={days} onChange={(event) => setDays(Number(event.target.value))}>
          {RANGES_DAYS.map((count) => (
            <option key={count} value={count}>
              {t("usage.days_value", { count })}
            </option>
          ))}
        </SelectField>
      </div>
      <ProblemNotice error={daily.error} />
      <div role="img" aria-label={t("usage.chart", { what, days: t("usage.days_value", { count: days }) })} className="min-h-64">
        {daily.data && <DailyChart days={seconds} lines={lines} formats={formats} />}
      </div>
      {daily.data && <DailyTable days={daily.data.days} lines={lines} />}
    </Section>
  );
}

function DailyTable({ days, lines }: { days: string[]; lines: { label: string; counts: number[] }[] }) {
  const { t } = useTranslation();
  const { day, number } = useFormats();
  const rows = days.map((text, index) => [text, lines.map(({ counts }) => counts[index] ?? 0)] as const).reverse();
  return (
    <details>
      <summary className="inline-flex min-h-target items-center underline">{t("usage.table")}</summary>
      <div className="max-h-72 overflow-auto" tabIndex={0} role="region" aria-label={t("usage.table")}>
        <table className="w-full text-sm">
          <thead className="text-left text-muted">
            <tr>
              <th scope="col" className="py-1 pr-3 font-medium">{t("usage.day")}</th>
              {lines.map(({ label }) => (
                <th key={label} scope="col" className="py-1 pr-3 text-right font-medium">{label}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([text, counts]) => (
              <tr key={text} className="border-t">
                <th scope="row" className="py-1 pr-3 text-left font-normal">{day(Date.parse(`${text}T00:00:00Z`))}</th>
                {counts.map((count, index) => (
                  <td key={index} className="py-1 pr-3 text-right tabular-nums">{number(count)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
