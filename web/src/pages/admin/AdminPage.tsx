import { Outlet } from "@tanstack/react-router";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Notice } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { PartsNav } from "@/ui/PartsNav";

/** Where each part is, what it is called, and who sees it, where that is not everybody here. */
const PARTS = [
  ["/admin/users", "admin.users"],
  ["/admin/groups", "admin.groups", "groups.read"],
  ["/admin/keys", "admin.keys", "sessions.read"],
  ["/admin/feedback", "admin.feedback", "feedback.read"],
  ["/admin/models", "admin.models"],
  ["/admin/budgets", "admin.budgets"],
  ["/admin/settings", "admin.settings"],
  ["/admin/jobs", "admin.jobs"],
  ["/admin/audit", "admin.audit"],
  ["/admin/health", "admin.health"],
  ["/admin/tenants", "admin.tenants"],
] as const;

/** What administrators look after, part by part. */
export function AdminPage() {
  const { t } = useTranslation();
  const may = useMay();
  if (!may("settings.read")) {
    return (
      <Page title={t("nav.admin")}>
        <Notice tone="warn" title={t("problem.forbidden.title")}>
          {t("problem.forbidden.next")}
        </Notice>
      </Page>
    );
  }
  return (
    <Page title={t("nav.admin")} wide>
      <PartsNav
        label={t("nav.admin")}
        parts={PARTS.filter(([, , permission]) => !permission || may(permission)).map(([to, label]) => ({ to, label: t(label) }))}
      />
      <Outlet />
    </Page>
  );
}
