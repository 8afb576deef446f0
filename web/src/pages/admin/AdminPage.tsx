import { Link, Outlet } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useMay } from "@/app/session";
import { Page } from "@/ui/Page";
import { Notice } from "@/ui/Notice";

const PARTS = [
  ["/admin/users", "admin.users"],
  ["/admin/settings", "admin.settings"],
  ["/admin/jobs", "admin.jobs"],
  ["/admin/audit", "admin.audit"],
  ["/admin/health", "admin.health"],
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
      <nav aria-label={t("nav.admin")} className="-mx-1 overflow-x-auto px-1">
        <ul className="flex gap-1 border-b">
          {PARTS.map(([to, label]) => (
            <li key={to}>
              <Link
                to={to}
                className="inline-flex min-h-target items-center rounded-t-md border-b-3 border-transparent px-4 font-medium whitespace-nowrap hover:bg-hover"
                activeProps={{ className: "border-accent text-accent-strong" }}
                activeOptions={{ includeSearch: false }}
              >
                {t(label)}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <Outlet />
    </Page>
  );
}
