import { useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";

const COUNTS = ["documents", "revisions", "pages", "chunks", "conversations", "users", "audit_entries"] as const;
const HOURS = 24;

/** How much the tenant keeps, and what was done lately. */
export function UsageSection() {
  const { t } = useTranslation();
  const { number, bytes } = useFormats();
  const usage = useQuery({
    queryKey: ["usage"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/admin/usage", { signal })),
  });
  const metrics = useQuery({
    queryKey: ["metrics", HOURS],
    queryFn: ({ signal }) => take(api.GET("/api/v1/admin/metrics", { params: { query: { hours: HOURS } }, signal })),
  });
  const activity = [...(metrics.data?.activity ?? [])].sort((a, b) => b.count - a.count);
  const most = activity[0]?.count ?? 1;
  return (
    <Section title={t("usage.title")}>
      <ProblemNotice error={usage.error ?? metrics.error} />
      <dl aria-busy={usage.isPending} className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        {COUNTS.map((name) => (
          <Figure key={name} label={t(`usage.${name}`)} value={usage.data && number(usage.data[name])} />
        ))}
        <Figure label={t("usage.original_bytes")} value={usage.data && bytes(usage.data.original_bytes)} />
      </dl>
      <div>
        <h3 id="activity" className="mb-2 font-medium">
          {t("usage.activity")}
        </h3>
        {/* As high as it is before it is known how much was done: nothing below it moves. */}
        <div tabIndex={0} role="region" aria-labelledby="activity" className="h-56 overflow-y-auto">
          {metrics.isPending && <Skeleton lines={6} />}
          <ul className="flex flex-col gap-1 text-sm">
            {activity.map(({ action, outcome, count }) => (
              <li key={`${action} ${outcome}`} className="grid grid-cols-[minmax(0,14rem)_1fr_3.5rem] items-center gap-3">
                <span className="truncate font-mono">
                  {action}
                  {outcome !== "success" && ` (${outcome})`}
                </span>
                <progress aria-label={action} className="progress h-2 w-full" value={count} max={most} />
                <span className="text-right tabular-nums">{number(count)}</span>
              </li>
            ))}
          </ul>
        </div>
      </div>
    </Section>
  );
}

const Figure = ({ label, value = "…" }: { label: string; value?: string }) => (
  <div className="rounded-md bg-sunken p-3">
    <dt className="text-sm text-muted">{label}</dt>
    <dd className="text-xl font-semibold tabular-nums">{value}</dd>
  </div>
);
