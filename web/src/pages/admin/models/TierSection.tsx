import { useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { SelectField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Page";
import { MembersElsewhere } from "./MembersElsewhere";
import { ModelProblem } from "./ModelProblem";
import { proven, servingIn, TIERS, type Tier } from "./tiers";
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
    <Section title={t("models.tiers")} hint={t("models.tiers_hint")}>
      <ul className="flex flex-col">
        {TIERS.map((tier) => (
          <TierRow key={tier} tier={tier} models={models} upstreams={elsewhereIn(upstreams, tier)} />
        ))}
      </ul>
    </Section>
  );
}

function TierRow({ tier, models, upstreams }: Members & { tier: Tier }) {
  const { t } = useTranslation();
  const serving = servingIn(models, tier);
  const assign = useAssign(tier);
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
            label={t(`models.tier.${tier}`)}
            hint={t(`models.tier_hint.${tier}`)}
            value={value}
            onChange={(event) => setChosen(event.target.value)}
          >
            <option value="">{upstreams.length ? t("models.tier_none_here") : t("models.tier_none")}</option>
            {several && <option value="several">{serving.map(({ name }) => name).join(", ")}</option>}
            {proven(models).map(({ hash, name }) => (
              <option key={hash} value={hash}>
                {name}
              </option>
            ))}
          </SelectField>
        </div>
        <Button type="submit" className="sm:mb-6" disabled={value === now} busy={assign.isPending}>
          {t("action.save")}
          <span className="sr-only">{t(`models.tier.${tier}`)}</span>
        </Button>
      </form>
      <MembersElsewhere upstreams={upstreams} />
      {assign.isSuccess && chosen === null && <Notice tone="good" role="status" title={t("state.saved")} />}
      <ModelProblem error={assign.error} />
    </li>
  );
}
