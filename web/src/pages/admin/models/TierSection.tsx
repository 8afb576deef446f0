import { useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { SelectField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Page";
import { MembersElsewhere } from "./MembersElsewhere";
import { ModelProblem } from "./ModelProblem";
import { TIERS, type Tier } from "@/api/types";
import { ENCODERS, proven, servingIn, type Role } from "./tiers";
import { elsewhereIn } from "./upstreams";
import { useAssign, type LanguageModel, type UpstreamModel } from "./useModels";

interface Members {
  models: LanguageModel[];
  upstreams: UpstreamModel[];
}

/** Which model does which kind of work. */
export function TierSection({ models, upstreams }: Members) {
  const { t } = useTranslation();
  return (
    <>
      <Section title={t("models.tiers")} hint={t("models.tiers_hint")}>
        <ul className="flex flex-col">
          {TIERS.map((tier: Tier) => (
            <RoleRow key={tier} role={tier} models={models} upstreams={elsewhereIn(upstreams, tier)} />
          ))}
        </ul>
      </Section>
      <Section title={t("models.finding")} hint={t("models.finding_hint")}>
        <ul className="flex flex-col">
          {ENCODERS.map((role) => (
            <RoleRow key={role} role={role} models={models} upstreams={[]} />
          ))}
        </ul>
      </Section>
    </>
  );
}

function RoleRow({ role, models, upstreams }: Members & { role: Role }) {
  const { t } = useTranslation();
  const serving = servingIn(models, role);
  const assign = useAssign(role);
  const none = role === "embed" || role === "rerank" ? t(`models.role_none.${role}`) : t("models.tier_none");
  const [chosen, setChosen] = useState<string | null>(null);
  // Several are given at the machine; here a tier is served by one or by none.
  const several = serving.length > 1;
  const now = several ? "several" : (serving[0]?.hash ?? "");
  const value = chosen ?? now;
  const save = () => assign.mutate(value || null, { onSuccess: () => setChosen(null) });
  return (
    <li className="flex flex-col gap-2 border-b py-3 last:border-0">
      <form
        className="flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (value !== now) save();
        }}
      >
        <div className="min-w-0 grow basis-60">
          <SelectField
            label={t(`models.tier.${role}`)}
            hint={t(`models.tier_hint.${role}`)}
            value={value}
            onChange={(event) => setChosen(event.target.value)}
          >
            <option value="">{upstreams.length ? t("models.tier_none_here") : none}</option>
            {several && <option value="several">{serving.map(({ name }) => name).join(", ")}</option>}
            {proven(models, role).map(({ hash, name }) => (
              <option key={hash} value={hash}>
                {name}
              </option>
            ))}
          </SelectField>
        </div>
        <Button type="submit" className="sm:mb-6" disabled={value === now} busy={assign.isPending}>
          {t("action.save")}
          <span className="sr-only">{t(`models.tier.${role}`)}</span>
        </Button>
      </form>
      <MembersElsewhere upstreams={upstreams} />
      {assign.isSuccess && chosen === null && (
        <Notice tone="good" role="status" title={t("state.saved")}>
          {role === "embed" && t("models.embed_saved")}
        </Notice>
      )}
      <ModelProblem error={assign.error} />
    </li>
  );
}
