import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { withMoreWords, withWords } from "@/i18n";
import { root, texts } from "./rootRoute";

const admin = createRoute({
  getParentRoute: () => root,
  path: "/admin",
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/admin/AdminPage")), "AdminPage"),
});

const adminHome = createRoute({
  getParentRoute: () => admin,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/admin/users", replace: true });
  },
});

const users = createRoute({
  getParentRoute: () => admin,
  path: "/users",
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/admin/users/UsersPage")), "UsersPage"),
});

const groups = createRoute({
  getParentRoute: () => admin,
  path: "/groups",
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/admin/groups/GroupsPage")), "GroupsPage"),
});

const adminKeys = createRoute({
  getParentRoute: () => admin,
  path: "/keys",
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/admin/keys/AdminKeysPage")), "AdminKeysPage"),
});

const feedback = createRoute({
  getParentRoute: () => admin,
  path: "/feedback",
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/admin/feedback/FeedbackPage")), "FeedbackPage"),
});

const settings = createRoute({
  getParentRoute: () => admin,
  path: "/settings",
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/admin/settings/SettingsPage")), "SettingsPage"),
});

const jobs = createRoute({
  getParentRoute: () => admin,
  path: "/jobs",
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/admin/jobs/JobsPage")), "JobsPage"),
});

const audit = createRoute({
  getParentRoute: () => admin,
  path: "/audit",
  validateSearch: texts("actor", "action", "object", "outcome", "from", "until", "entry"),
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/admin/audit/AuditPage")), "AuditPage"),
});

const health = createRoute({
  getParentRoute: () => admin,
  path: "/health",
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/admin/health/HealthPage")), "HealthPage"),
});

const tenants = createRoute({
  getParentRoute: () => admin,
  path: "/tenants",
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/admin/tenants/TenantsPage")), "TenantsPage"),
});

const models = createRoute({
  getParentRoute: () => admin,
  path: "/models",
  component: lazyRouteComponent(withWords(["more", "models"], () => import("@/pages/admin/models/ModelsPage")), "ModelsPage"),
});

const budgets = createRoute({
  getParentRoute: () => admin,
  path: "/budgets",
  component: lazyRouteComponent(withWords(["more", "models"], () => import("@/pages/admin/budgets/BudgetsPage")), "BudgetsPage"),
});

/** What administrators look after, part by part. */
export const adminRoutes = admin.addChildren([
  adminHome,
  users,
  groups,
  adminKeys,
  feedback,
  models,
  budgets,
  settings,
  jobs,
  audit,
  health,
  tenants,
]);
