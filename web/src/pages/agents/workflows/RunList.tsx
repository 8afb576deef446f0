import { Link } from "@tanstack/react-router";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { RunStateBadge } from "./RunStateBadge";
import { useRuns, type Run } from "./useWorkflows";
import { useWorkflowWords } from "./useWorkflowWords";

/** Runs, newest first, page by page. */
export function RunList() {
  const { t } = useTranslation();
  const runs = useRuns();
  const items = runs.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Section title={t("run.title")} hint={t("run.hint")}>
      {runs.isPending && <Skeleton lines={4} />}
      <ProblemNotice error={runs.error} />
      {runs.isSuccess && items.length === 0 && !runs.hasNextPage && <p className="text-muted">{t("run.none")}</p>}
      <ul className="flex flex-col">
        {items.map((run) => (
          <RunRow key={run.id} run={run} />
        ))}
      </ul>
      {runs.hasNextPage && (
        <Button className="self-start" busy={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>
          {t("action.more")}
        </Button>
      )}
    </Section>
  );
}

function RunRow({ run }: { run: Run }) {
  const { t } = useTranslation();
  const { ago, number } = useFormats();
  const words = useWorkflowWords();
  const about = [
    run.plan_id && t("run.of_plan"),
    ago(run.created_at),
    t("run.steps", { count: run.steps_ended, number: number(run.steps_ended) }),
    t("work.tokens", { count: run.tokens, number: number(run.tokens) }),
  ];
  return (
    <li className="border-b last:border-0">
      <Link
        to="/agents/workflows/runs/$runId"
        params={{ runId: run.id }}
        preload={false}
        className="flex min-h-16 flex-wrap items-center gap-x-3 gap-y-1 rounded-md px-2 py-2 hover:bg-hover"
      >
        <span className="min-w-0 grow basis-60">
          <span className="block font-medium">{words.title({ name: run.workflow, title: run.title })}</span>
          <span className="block text-sm text-muted">{about.filter(Boolean).join(" · ")}</span>
        </span>
        <RunStateBadge state={run.state} />
      </Link>
    </li>
  );
}
