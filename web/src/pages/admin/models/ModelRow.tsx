import { useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Notice } from "@/ui/Notice";
import { ModelFacts } from "./ModelFacts";
import { ModelProblem } from "./ModelProblem";
import { TrialBadge } from "./TrialBadge";
import { isBeingTried, ROLES } from "./tiers";
import { useModelChanges, type LanguageModel } from "./useModels";

/** One model: what it is, how it did, and what can be done with it. */
export function ModelRow({ model }: { model: LanguageModel }) {
  const { t } = useTranslation();
  const { measure, verify, remove } = useModelChanges();
  const [removing, setRemoving] = useState(false);
  const { hash, name, trial } = model;
  return (
    <li className="flex flex-col gap-3 border-b py-4 last:border-0">
      <h3 className="flex flex-wrap items-center gap-2 font-semibold">
        <span className="min-w-0 break-all">{name}</span>
        <TrialBadge state={trial.state} />
        {ROLES.filter((role) => model.tiers.includes(role)).map((role) => (
          <Badge key={role} tone="accent">
            {t(`models.tier.${role}`)}
          </Badge>
        ))}
        {model.loaded && <Badge>{t("models.loaded")}</Badge>}
      </h3>
      {!model.file_exists && <Notice tone="bad" title={t("models.file_gone")} />}
      {trial.detail && (
        <Notice tone="bad" title={t("models.trial_failed")}>
          <p lang="en">{trial.detail}</p>
        </Notice>
      )}
      <ModelFacts model={model} />
      <div className="flex flex-wrap gap-2">
        <Button busy={measure.isPending || isBeingTried(model)} onClick={() => measure.mutate(hash)}>
          {t("models.measure")}
        </Button>
        <Button busy={verify.isPending} onClick={() => verify.mutate(hash)}>
          {verify.isPending ? t("models.verifying") : t("models.verify")}
        </Button>
        <Button look="danger" onClick={() => setRemoving(true)}>
          {t("models.remove")}
        </Button>
      </div>
      <ModelProblem error={measure.error ?? verify.error} />
      {verify.data && (
        <Notice tone={verify.data.sound ? "good" : "bad"} role="status" title={verify.data.sound ? t("models.sound") : t("models.unsound")} />
      )}
      <ConfirmDialog
        open={removing}
        title={t("models.remove_title", { name })}
        what={t("models.remove_what")}
        confirm={t("models.remove")}
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(hash)}
        onClose={() => {
          remove.reset();
          setRemoving(false);
        }}
      />
    </li>
  );
}
