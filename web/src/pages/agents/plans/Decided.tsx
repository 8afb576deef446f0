import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { usePersonName } from "@/pages/admin/users/usePersonName";
import { Section } from "@/ui/Page";
import { Fingerprint } from "../workflows/Fingerprint";
import type { Plan } from "./usePlans";

/** Who decided, when and why. */
export function Decided({ plan }: { plan: Plan }) {
  const { t } = useTranslation();
  const { moment } = useFormats();
  const nameOf = usePersonName();
  if (!plan.decided_at) return null;
  const said = { name: nameOf(plan.decided_by), moment: moment(plan.decided_at) };
  return (
    <Section title={t("plan.decision")}>
      <p>{plan.state === "rejected" ? t("plan.rejected_by", said) : t("plan.approved_by", said)}</p>
      {plan.reason && <blockquote className="border-l-4 pl-3">{plan.reason}</blockquote>}
      <Fingerprint digest={plan.digest} hint={t("plan.fingerprint")} />
    </Section>
  );
}
