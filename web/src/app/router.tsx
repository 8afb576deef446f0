import {
  createMemoryHistory,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { withMoreWords, withWords } from "@/i18n";
import { PageFault } from "@/shell/PageFault";
import { Pending } from "@/shell/Pending";
import { adminRoutes } from "./adminRoutes";
import { agentRoutes } from "./agentRoutes";
import { root, texts } from "./rootRoute";

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

const documents = createRoute({
  getParentRoute: () => root,
  path: "/documents",
  validateSearch: texts("text", "tag", "language", "classification", "state", "format", "standing"),
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/documents/DocumentsPage")), "DocumentsPage"),
});

const document = createRoute({
  getParentRoute: () => root,
  path: "/documents/$documentId",
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/document/DocumentPage")), "DocumentPage"),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: "/documents/$documentId/compare",
  validateSearch: texts("older", "newer", "left", "right"),
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/document/compare/ComparePage")), "ComparePage"),
});

const search = createRoute({
  getParentRoute: () => root,
  path: "/search",
  validateSearch: texts("q"),
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/search/SearchPage")), "SearchPage"),
});

const me = createRoute({
  getParentRoute: () => root,
  path: "/me",
  component: lazyRouteComponent(withWords(["more", "models"], () => import("@/pages/me/MePage")), "MePage"),
});

const help = createRoute({
  getParentRoute: () => root,
  path: "/help",
  component: lazyRouteComponent(withMoreWords(() => import("@/pages/help/HelpPage")), "HelpPage"),
});

const tree = root.addChildren([
  home,
  askRoute,
  documents,
  document,
  compare,
  search,
  me,
  agentRoutes,
  adminRoutes,
  help,
]);

/** On a shared device nothing of where somebody was gets into the browser's history. */
export function makeRouter(shared: boolean) {
  const here = location.pathname + location.search;
  return createRouter({
    history: shared ? createMemoryHistory({ initialEntries: [here] }) : undefined,
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
