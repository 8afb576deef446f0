import { useTranslation } from "@/i18n/useTranslation";
import { BudgetBar } from "@/pages/admin/budgets/BudgetBar";
import { useOwnBudget } from "@/pages/admin/budgets/useBudgets";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";

/** What one has used of the tokens that one may use. */
export function BudgetSection() {
  const { t } = useTranslation();
  const budget = useOwnBudget();
  return (
    <Section title={t("budgets.own")} hint={t("budgets.own_hint")}>
      {budget.isPending && <Skeleton lines={3} />}
      <ProblemNotice error={budget.error} />
      {budget.data && (
        <div className="grid gap-3 sm:grid-cols-2">
          <BudgetBar label={t("budgets.today")} used={budget.data.used.day} reserved={budget.data.used.reserved} limit={budget.data.day_limit ?? 0} />
          <BudgetBar label={t("budgets.month")} used={budget.data.used.month} reserved={budget.data.used.reserved} limit={budget.data.month_limit ?? 0} />
        </div>
      )}
    </Section>
  );
}
