import { Outlet } from "@tanstack/react-router";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Notice } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { PartsNav } from "@/ui/PartsNav";

/** Where each part is, what it is called, and who sees it, where that is not everybody here. */
const PARTS = [
  ["/agents", "agents.specialists"],
  ["/agents/playground", "agents.playground", "chat.send"],
  ["/agents/workflows", "nav.workflows", "workflows.read"],
  ["/agents/plans", "nav.plans", "plans.read"],
  ["/agents/memories", "nav.memories", "memories.read"],
] as const;

/** Who works here beside people, what they did, and where to try them. */
export function AgentsPage() {
  const { t } = useTranslation();
  const may = useMay();
  if (!may("agents.read")) {
    return (
      <Page title={t("nav.agents")}>
        <Notice tone="warn" title={t("problem.forbidden.title")}>
          {t("problem.forbidden.next")}
        </Notice>
      </Page>
    );
  }
  return (
    <Page title={t("nav.agents")} wide>
      <PartsNav
        label={t("nav.agents")}
        parts={PARTS.filter(([, , permission]) => !permission || may(permission)).map(([to, label]) => ({
          to,
          label: t(label),
          exact: to === "/agents",
        }))}
      />
      <Outlet />
    </Page>
  );
}
