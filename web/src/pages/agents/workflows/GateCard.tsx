import { useEffect, useId, useRef, useState } from "react";
import { useMay } from "@/app/session";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { TextAreaField } from "@/ui/Field";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Fingerprint } from "./Fingerprint";
import { inWords } from "./steps";
import { useRunChanges, type Gate } from "./useWorkflows";
import { ValueView } from "./ValueView";

const REASON_CHARS = 500;

interface Props {
  runId: string;
  gate: Gate;
}

/** Where a run waits for a person: exactly what is asked and shown, and the decision. */
export function GateCard({ runId, gate }: Props) {
  const { t } = useTranslation();
  const { ago } = useFormats();
  const may = useMay();
  const id = useId();
  const { decide } = useRunChanges();
  const [reason, setReason] = useState("");
  const send = (approved: boolean) => decide.mutate({ id: runId, gate, approved, reason });
  const busy = (approved: boolean) => decide.isPending && decide.variables.approved === approved;
  return (
    <section aria-labelledby={id} className="flex flex-col gap-4 rounded-lg border-2 border-warn bg-surface p-4 sm:p-5">
      <div>
        <p className="text-sm text-muted">
          {t("gate.waits", { step: inWords(gate.step.split(".").at(-1) ?? gate.step), ago: ago(gate.asked_at) })}
        </p>
        <h3 id={id} className="text-lg font-semibold">
          {gate.question}
        </h3>
      </div>
      <Shown value={gate.shown} />
      <Fingerprint digest={gate.digest} hint={t("gate.bound")} />
      <ProblemNotice error={decide.error} />
      {may("workflows.decide") ? (
        <>
          <TextAreaField label={t("work.reason")} hint={t("gate.reason_hint")} rows={2} maxLength={REASON_CHARS} value={reason} onChange={(event) => setReason(event.target.value)} />
          <div className="flex flex-wrap gap-3">
            <Button look="primary" busy={busy(true)} disabled={decide.isPending} onClick={() => send(true)}>
              {t("work.approve")}
            </Button>
            <Button look="danger" busy={busy(false)} disabled={decide.isPending} onClick={() => send(false)}>
              {t("work.reject")}
            </Button>
          </div>
        </>
      ) : (
        <p className="text-muted">{t("gate.others")}</p>
      )}
    </section>
  );
}

/** All of what is shown, in a box of its own when it is long; only then the keyboard needs to get there. */
function Shown({ value }: { value: unknown }) {
  const { t } = useTranslation();
  const ref = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const box = ref.current;
    if (box) setScrolls(box.scrollHeight > box.clientHeight);
  }, [value]);
  if (value === null || value === undefined) return null;
  return (
    <div ref={ref} role="group" aria-label={t("gate.shown")} tabIndex={scrolls ? 0 : undefined} className="max-h-96 overflow-y-auto rounded-md bg-sunken p-4">
      <ValueView value={value} />
    </div>
  );
}
