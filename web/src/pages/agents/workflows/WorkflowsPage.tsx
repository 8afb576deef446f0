import { Play } from "lucide-react";
import { useState } from "react";
import { useMay } from "@/app/session";
import { useDuration } from "@/i18n/duration";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Section, useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { RunList } from "./RunList";
import { StartDialog } from "./StartDialog";
import { useWorkflows, type Workflow } from "./useWorkflows";
import { useWorkflowWords } from "./useWorkflowWords";

/** The workflows that there are, and their runs. */
export function WorkflowsPage() {
  const { t } = useTranslation();
  const workflows = useWorkflows();
  const [chosen, setChosen] = useState<Workflow | null>(null);
  useTitle(t("nav.workflows"));
  return (
    <>
      <Section title={t("nav.workflows")} hint={t("workflow.hint")}>
        {workflows.isPending && <Skeleton lines={5} />}
        <ProblemNotice error={workflows.error} />
        <ul className="grid gap-3 md:grid-cols-2 xl:grid-cols-3">
          {workflows.data?.items.map((workflow) => (
            <WorkflowCard key={workflow.name} workflow={workflow} onStart={() => setChosen(workflow)} />
          ))}
        </ul>
      </Section>
      <RunList />
      {chosen && <StartDialog key={chosen.name} workflow={chosen} onClose={() => setChosen(null)} />}
    </>
  );
}

interface CardProps {
  workflow: Workflow;
  onStart: () => void;
}

function WorkflowCard({ workflow, onStart }: CardProps) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const duration = useDuration();
  const may = useMay();
  const words = useWorkflowWords();
  const title = words.title(workflow);
  return (
    <li className="flex flex-col gap-2 rounded-md border p-4">
      <h3 className="font-semibold">{title}</h3>
      <p className="grow text-sm">{words.description(workflow)}</p>
      <p className="text-sm text-muted">
        {t("workflow.limits", { tokens: number(workflow.tokens), time: duration(workflow.deadline_s * 1000) })}
      </p>
      {may("workflows.run") && (
        <Button className="mt-1 self-start" icon={<Play aria-hidden className="size-5" />} aria-label={t("workflow.start_named", { title })} onClick={onStart}>
          {t("workflow.start")}
        </Button>
      )}
    </li>
  );
}
