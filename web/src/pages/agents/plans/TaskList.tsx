import { useTranslation } from "@/i18n/useTranslation";
import { Badge, type Tone } from "@/ui/Badge";
import type { RowState, StepRow } from "../workflows/steps";
import { inWords } from "../workflows/steps";
import { FaultText } from "../workflows/FaultText";
import { ValueView } from "../workflows/ValueView";
import type { PlanTask } from "./usePlans";

const TONES: Record<RowState, Tone> = {
  done: "good",
  failed: "bad",
  running: "accent",
  waiting: "warn",
  to_come: "plain",
  not_reached: "plain",
};
const KINDS = ["agent", "tool", "ask"] as const;

interface Props {
  tasks: PlanTask[];
  /** How far each is, once there is a run. */
  rows: ReadonlyMap<string, StepRow>;
}

/** The tasks in their order, each with what it waits for. */
export function TaskList({ tasks, rows }: Props) {
  const numbers = new Map(tasks.map((task, index) => [task.id, index + 1]));
  return (
    <ol className="flex min-w-0 flex-col">
      {tasks.map((task, index) => (
        <TaskItem key={task.id} task={task} number={index + 1} numbers={numbers} row={rows.get(task.id)} />
      ))}
    </ol>
  );
}

interface ItemProps {
  task: PlanTask;
  number: number;
  numbers: ReadonlyMap<string, number>;
  row: StepRow | undefined;
}

function TaskItem({ task, number, numbers, row }: ItemProps) {
  const { t, i18n } = useTranslation();
  const kind = KINDS.find((one) => one === task.kind);
  const and = new Intl.ListFormat(i18n.language === "none" ? "en" : i18n.language);
  const after = (task.after ?? []).map((id) => String(numbers.get(id) ?? id));
  const hasArguments = Object.keys(task.arguments ?? {}).length > 0;
  return (
    <li className="flex gap-3 border-b py-3 first:pt-0 last:border-0 last:pb-0">
      <span aria-hidden className="w-6 shrink-0 text-right font-semibold tabular-nums">
        {number}
      </span>
      <div className="flex min-w-0 grow flex-col gap-1">
        <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
          <h3 className="min-w-0 grow font-medium">{task.title}</h3>
          {row && <Badge tone={TONES[row.state]}>{t(`step_state.${row.state}`)}</Badge>}
        </div>
        <p className="text-sm text-muted">
          {[kind ? t(`plan.kind.${kind}`) : task.kind, task.with && inWords(task.with), after.length > 0 ? t("plan.after", { tasks: and.format(after) }) : t("plan.at_once")]
            .filter(Boolean)
            .join(" · ")}
        </p>
        {task.task && <p className="text-sm break-words whitespace-pre-wrap">{task.task}</p>}
        {hasArguments && (
          <div className="text-sm">
            <ValueView value={task.arguments} />
          </div>
        )}
        {row?.step?.error && <FaultText fault={row.step.error} />}
        {row?.step?.output !== undefined && row.step.output !== null && (
          <details>
            <summary className="w-fit py-2.5 text-sm text-accent sm:py-1">{t("step.result")}</summary>
            <div className="rounded-md bg-sunken p-3">
              <ValueView value={row.step.output} />
            </div>
          </details>
        )}
      </div>
    </li>
  );
}
