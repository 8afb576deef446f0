import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { Shell } from "@/shell/Shell";
import { NotFound } from "@/shell/NotFound";
import { PageFault } from "@/shell/PageFault";
import { Pending } from "@/shell/Pending";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/ask/{-$conversationId}", replace: true });
  },
});

export const askRoute = createRoute({
  getParentRoute: () => root,
  path: "/ask/{-$conversationId}",
  component: lazyRouteComponent(() => import("@/pages/ask/AskPage"), "AskPage"),
});

/** Those of the search parameters that are there. */
const texts =
  <K extends string>(...names: K[]) =>
  (search: Record<string, unknown>): Partial<Record<K, string>> => {
    const found: Partial<Record<K, string>> = {};
    for (const name of names) {
      const value = search[name];
      if (value !== undefined && value !== "") found[name] = String(value);
    }
    return found;
  };

const documents = createRoute({
  getParentRoute: () => root,
  path: "/documents",
  validateSearch: texts("text", "tag", "language", "classification", "state"),
  component: lazyRouteComponent(() => import("@/pages/documents/DocumentsPage"), "DocumentsPage"),
});

const document = createRoute({
  getParentRoute: () => root,
  path: "/documents/$documentId",
  component: lazyRouteComponent(() => import("@/pages/document/DocumentPage"), "DocumentPage"),
});

const search = createRoute({
  getParentRoute: () => root,
  path: "/search",
  validateSearch: texts("q"),
  component: lazyRouteComponent(() => import("@/pages/search/SearchPage"), "SearchPage"),
});

const me = createRoute({
  getParentRoute: () => root,
  path: "/me",
  component: lazyRouteComponent(() => import("@/pages/me/MePage"), "MePage"),
});

const admin = createRoute({
  getParentRoute: () => root,
  path: "/admin",
  component: lazyRouteComponent(() => import("@/pages/admin/AdminPage"), "AdminPage"),
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
  component: lazyRouteComponent(() => import("@/pages/admin/users/UsersPage"), "UsersPage"),
});

const settings = createRoute({
  getParentRoute: () => admin,
  path: "/settings",
  component: lazyRouteComponent(() => import("@/pages/admin/settings/SettingsPage"), "SettingsPage"),
});

const jobs = createRoute({
  getParentRoute: () => admin,
  path: "/jobs",
  component: lazyRouteComponent(() => import("@/pages/admin/jobs/JobsPage"), "JobsPage"),
});

const audit = createRoute({
  getParentRoute: () => admin,
  path: "/audit",
  validateSearch: texts("actor", "action", "object", "outcome", "from", "until", "entry"),
  component: lazyRouteComponent(() => import("@/pages/admin/audit/AuditPage"), "AuditPage"),
});

const health = createRoute({
  getParentRoute: () => admin,
  path: "/health",
  component: lazyRouteComponent(() => import("@/pages/admin/health/HealthPage"), "HealthPage"),
});

const help = createRoute({
  getParentRoute: () => root,
  path: "/help",
  component: lazyRouteComponent(() => import("@/pages/help/HelpPage"), "HelpPage"),
});

const tree = root.addChildren([
  home,
  askRoute,
  documents,
  document,
  search,
  me,
  admin.addChildren([adminHome, users, settings, jobs, audit, health]),
  help,
]);

export function makeRouter() {
  return createRouter({
    routeTree: tree,
    defaultPreload: "intent",
    defaultPendingComponent: Pending,
    defaultErrorComponent: PageFault,
    scrollRestoration: false,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
