import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Section, useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { BudgetBar } from "./BudgetBar";
import { BudgetForm } from "./BudgetForm";
import { TokenSection } from "./TokenSection";
import { useBudgets } from "./useBudgets";

/** How many tokens the tenant and its people may use, and how many they have. */
export function BudgetsPage() {
  const { t } = useTranslation();
  const may = useMay();
  const budgets = useBudgets();
  useTitle(t("budgets.title"));
  if (budgets.isPending) return <Skeleton lines={8} />;
  if (!budgets.data) return <ProblemNotice error={budgets.error} />;
  const { limits, tenant } = budgets.data;
  return (
    <>
      <Section title={t("budgets.used")} hint={t("budgets.used_hint")}>
        <div className="grid gap-3 sm:grid-cols-2">
          <BudgetBar label={t("budgets.today")} used={tenant.day} reserved={tenant.reserved} limit={limits.tenant_day} />
          <BudgetBar label={t("budgets.month")} used={tenant.month} reserved={tenant.reserved} limit={limits.tenant_month} />
        </div>
      </Section>
      {may("usage.read") && <TokenSection />}
      <Section title={t("budgets.limits")} hint={t("budgets.limits_hint")}>
        <BudgetForm limits={limits} />
      </Section>
    </>
  );
}
