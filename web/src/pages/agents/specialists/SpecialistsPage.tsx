import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Agent } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { useAgents } from "@/reasoning/useAgents";
import { useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { SpecialistCard } from "./SpecialistCard";
import { SpecialistDialog } from "./SpecialistDialog";
import { useTools } from "./useTools";

/** Those that somebody has, for when the appliance does not say which there are. */
const toolsOf = (agents: readonly Agent[]): string[] => [...new Set(agents.flatMap(({ tools }) => tools))].sort();

/** Who there is, what for, and with what. */
export function SpecialistsPage() {
  const { t } = useTranslation();
  const agents = useAgents();
  const tools = useTools();
  const { agent: opened } = useSearch({ from: "/agents/" });
  const navigate = useNavigate();
  useTitle(t("agents.specialists"));
  const shown = agents.data?.find(({ name }) => name === opened);
  return (
    <>
      <p className="max-w-reading text-muted">{t("specialists.hint")}</p>
      {agents.isPending && <Skeleton lines={6} />}
      <ProblemNotice error={agents.error} />
      <ul className="grid gap-4 md:grid-cols-2">
        {agents.data?.map((agent) => (
          <SpecialistCard key={agent.name} agent={agent} />
        ))}
      </ul>
      {shown && (
        <SpecialistDialog
          agent={shown}
          everyTool={tools.data?.map(({ name }) => name) ?? toolsOf(agents.data ?? [])}
          onClose={() => void navigate({ to: "/agents", search: {} })}
        />
      )}
    </>
  );
}
