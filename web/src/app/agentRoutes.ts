import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { withWords } from "@/i18n";
import { agents } from "./agentsRoute";
import { texts } from "./rootRoute";
import { workRoutes } from "./workRoutes";

const specialists = createRoute({
  getParentRoute: () => agents,
  path: "/",
  validateSearch: texts("agent"),
  component: lazyRouteComponent(
    withWords(["agents"], () => import("@/pages/agents/specialists/SpecialistsPage")),
    "SpecialistsPage",
  ),
});

const playground = createRoute({
  getParentRoute: () => agents,
  path: "/playground",
  validateSearch: texts("tool"),
  component: lazyRouteComponent(
    withWords(["agents"], () => import("@/pages/agents/playground/PlaygroundPage")),
    "PlaygroundPage",
  ),
});

const trace = createRoute({
  getParentRoute: () => agents,
  path: "/playground/traces/$traceId",
  component: lazyRouteComponent(withWords(["agents"], () => import("@/pages/agents/playground/TracePage")), "TracePage"),
});

const compare = createRoute({
  getParentRoute: () => agents,
  path: "/playground/compare",
  validateSearch: texts("left", "right"),
  component: lazyRouteComponent(withWords(["agents"], () => import("@/pages/agents/playground/ComparePage")), "ComparePage"),
});

/** Agents and what they do, part by part. */
export const agentRoutes = agents.addChildren([specialists, playground, trace, compare, ...workRoutes]);
