import { Link } from "@tanstack/react-router";
import { useMay } from "@/app/session";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Section, useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { GoalForm } from "./GoalForm";
import { PlanStateBadge } from "./PlanStateBadge";
import { useGoal, usePlans, type PlanStatus } from "./usePlans";

/** A goal to be planned for, and the plans that there are. */
export function PlansPage() {
  const { t } = useTranslation();
  const may = useMay();
  const plans = usePlans();
  const items = plans.data?.pages.flatMap((page) => page.items) ?? [];
  useTitle(t("nav.plans"));
  return (
    <>
      {may("plans.create") && <GoalForm />}
      <Section title={t("nav.plans")} hint={t("plan.hint")}>
        {plans.isPending && <Skeleton lines={4} />}
        <ProblemNotice error={plans.error} />
        {plans.isSuccess && items.length === 0 && !plans.hasNextPage && <p className="text-muted">{t("plan.none")}</p>}
        <ul className="flex flex-col">
          {items.map((plan) => (
            <PlanRow key={plan.id} plan={plan} />
          ))}
        </ul>
        {plans.hasNextPage && (
          <Button className="self-start" busy={plans.isFetchingNextPage} onClick={() => void plans.fetchNextPage()}>
            {t("action.more")}
          </Button>
        )}
      </Section>
    </>
  );
}

function PlanRow({ plan }: { plan: PlanStatus }) {
  const { t } = useTranslation();
  const { ago } = useFormats();
  const goal = useGoal(plan.id);
  const about = [ago(plan.created_at), plan.version > 1 && t("plan.version", { number: plan.version })];
  return (
    <li className="border-b last:border-0">
      <Link
        to="/agents/plans/$planId"
        params={{ planId: plan.id }}
        preload={false}
        className="flex min-h-16 flex-wrap items-center gap-x-3 gap-y-1 rounded-md px-2 py-2 hover:bg-hover"
      >
        <span className="min-w-0 grow basis-60">
          <span className="line-clamp-2 font-medium">{goal.data ?? t("plan.unnamed")}</span>
          <span className="block text-sm text-muted">{about.filter(Boolean).join(" · ")}</span>
        </span>
        <PlanStateBadge state={plan.state} />
      </Link>
    </li>
  );
}
