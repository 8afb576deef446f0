import { useSearch } from "@tanstack/react-router";
import { useTranslation } from "@/i18n/useTranslation";
import { ThinkingRun } from "@/reasoning/thinking/ThinkingRun";
import { TOOLS } from "@/reasoning/thinking/tools";
import { useTitle } from "@/ui/Page";
import { ReasonedRun } from "./ReasonedRun";
import { ToolNav } from "./ToolNav";
import { TraceList } from "./TraceList";

/** Where a run can be tried with settings of one's own. */
export function PlaygroundPage() {
  const { t } = useTranslation();
  const { tool: wanted } = useSearch({ from: "/agents/playground" });
  const tool = TOOLS.find((one) => one === wanted);
  useTitle(t("agents.playground"));
  return (
    <>
      <ToolNav present={tool} />
      {tool ? (
        <ThinkingRun key={tool} tool={tool} />
      ) : (
        <>
          <ReasonedRun />
          <TraceList />
        </>
      )}
    </>
  );
}
