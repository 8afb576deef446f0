import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { withWords } from "@/i18n";
import { root } from "./rootRoute";

/** The layout of everything about agents; its pages are in agentRoutes.ts and workRoutes.ts. */
export const agents = createRoute({
  getParentRoute: () => root,
  path: "/agents",
  component: lazyRouteComponent(withWords(["agents"], () => import("@/pages/agents/AgentsPage")), "AgentsPage"),
});
