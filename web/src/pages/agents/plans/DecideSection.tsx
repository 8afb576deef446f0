import { useState } from "react";
import { useMay } from "@/app/session";
import { useDuration } from "@/i18n/duration";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextAreaField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Fingerprint } from "../workflows/Fingerprint";
import { usePlanChanges, type Plan } from "./usePlans";

const REASON_CHARS = 500;

/** The decision on exactly the plan that stands above it. */
export function DecideSection({ plan }: { plan: Plan }) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const duration = useDuration();
  const may = useMay();
  const { approve } = usePlanChanges();
  const [rejecting, setRejecting] = useState(false);
  const cost = { count: plan.tokens_max, number: number(plan.tokens_max), time: duration(plan.deadline_s * 1000) };
  return (
    <Section title={t("plan.decide")} hint={t("plan.decide_hint", cost)}>
      <Fingerprint digest={plan.digest} hint={t("plan.bound")} />
      <ProblemNotice error={approve.error} />
      {may("plans.decide") ? (
        <div className="flex flex-wrap gap-3">
          <Button look="primary" busy={approve.isPending} onClick={() => approve.mutate({ id: plan.id, digest: plan.digest })}>
            {t("plan.approve")}
          </Button>
          <Button look="danger" disabled={approve.isPending} onClick={() => setRejecting(true)}>
            {t("work.reject")}
          </Button>
        </div>
      ) : (
        <p className="text-muted">{t("plan.others")}</p>
      )}
      {rejecting && <RejectDialog plan={plan} onClose={() => setRejecting(false)} />}
    </Section>
  );
}

function RejectDialog({ plan, onClose }: { plan: Plan; onClose: () => void }) {
  const { t } = useTranslation();
  const { reject } = usePlanChanges();
  return (
    <Dialog open onClose={onClose} title={t("plan.reject_title")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          reject.mutate({ id: plan.id, reason: String(new FormData(event.currentTarget).get("reason")) });
        }}
      >
        <ProblemNotice error={reject.error} />
        <TextAreaField label={t("work.reason")} hint={t("plan.reason_hint")} name="reason" rows={3} maxLength={REASON_CHARS} />
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="danger" type="submit" busy={reject.isPending}>
            {t("work.reject")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
