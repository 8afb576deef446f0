import type { Job } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge, type Tone } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Progress } from "@/ui/Progress";
import { usePersonName } from "../users/usePersonName";

const TONES = { queued: "accent", running: "accent", done: "good", failed: "bad", cancelled: "warn" } as const satisfies Record<string, Tone>;

interface Props {
  job: Job;
  busy: boolean;
  onCancel: () => void;
}

export function JobRow({ job, busy, onCancel }: Props) {
  const { t } = useTranslation();
  const { ago, number } = useFormats();
  const nameOf = usePersonName();
  const state = (job.state in TONES ? job.state : "queued") as keyof typeof TONES;
  const going = state === "queued" || state === "running";
  const { done, total } = job.progress;
  return (
    <li className="flex flex-wrap items-center gap-3 border-b px-4 py-3 last:border-0">
      <div className="min-w-0 grow basis-60">
        <p className="font-medium">{job.kind}</p>
        <p className="truncate text-sm text-muted">{[job.subject, nameOf(job.queued_by), ago(job.created_at)].join(" · ")}</p>
        {job.error && (
          <p className="text-sm text-bad">
            {job.error.code} {job.error.detail}
          </p>
        )}
        {state === "running" && <Progress label={job.kind} value={total ? done : null} max={total} />}
      </div>
      <span className="text-sm text-muted tabular-nums">{total ? `${number(done)} / ${number(total)}` : null}</span>
      <Badge tone={TONES[state]}>{t(`job_state.${state}`)}</Badge>
      {going && (
        <Button busy={busy || job.cancel_requested} onClick={onCancel}>
          {t("action.cancel")}
        </Button>
      )}
    </li>
  );
}
