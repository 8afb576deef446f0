import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { withWords } from "@/i18n";
import { agents } from "./agentsRoute";
import { texts } from "./rootRoute";

const workflows = createRoute({
  getParentRoute: () => agents,
  path: "/workflows",
  component: lazyRouteComponent(
    withWords(["more", "work"], () => import("@/pages/agents/workflows/WorkflowsPage")),
    "WorkflowsPage",
  ),
});

const run = createRoute({
  getParentRoute: () => agents,
  path: "/workflows/runs/$runId",
  component: lazyRouteComponent(withWords(["more", "work"], () => import("@/pages/agents/workflows/RunPage")), "RunPage"),
});

const plans = createRoute({
  getParentRoute: () => agents,
  path: "/plans",
  component: lazyRouteComponent(withWords(["more", "work"], () => import("@/pages/agents/plans/PlansPage")), "PlansPage"),
});

const plan = createRoute({
  getParentRoute: () => agents,
  path: "/plans/$planId",
  component: lazyRouteComponent(withWords(["more", "work"], () => import("@/pages/agents/plans/PlanPage")), "PlanPage"),
});

const memories = createRoute({
  getParentRoute: () => agents,
  path: "/memories",
  validateSearch: texts("agent", "kind", "text"),
  component: lazyRouteComponent(
    withWords(["more", "work"], () => import("@/pages/agents/memories/MemoriesPage")),
    "MemoriesPage",
  ),
});

/** The pages of workflows, plans and memories, below the layout of agents (agentsRoute.ts). */
export const workRoutes = [workflows, run, plans, plan, memories] as const;
