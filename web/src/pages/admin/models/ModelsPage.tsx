import { hasCode } from "@/api/problem";
import { useTranslation } from "@/i18n/useTranslation";
import { Notice } from "@/ui/Notice";
import { Section, useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { ImportSection } from "./ImportSection";
import { ModelRow } from "./ModelRow";
import { TierSection } from "./TierSection";
import { UpstreamSection } from "./UpstreamSection";
import { useModels, useUpstreams } from "./useModels";

/** The language models of the appliance, for those who administer it. */
export function ModelsPage() {
  const { t } = useTranslation();
  const models = useModels();
  const upstreams = useUpstreams();
  useTitle(t("models.title"));
  // What one may do to the appliance itself is not among the permissions of a tenant's session.
  if (hasCode(models.error, "forbidden")) return <Notice title={t("models.not_yours")}>{t("models.not_yours_next")}</Notice>;
  if (models.isPending || upstreams.isPending) return <Skeleton lines={8} />;
  const items = models.data?.items ?? [];
  const elsewhere = upstreams.data?.items ?? [];
  return (
    <>
      <ProblemNotice error={models.error} />
      {models.isSuccess && <TierSection models={items} upstreams={elsewhere} />}
      <ImportSection />
      <Section title={t("models.title")} hint={t("models.hint")}>
        {models.isSuccess && items.length === 0 && (
          <p className="text-muted">{elsewhere.length ? t("models.none_here") : t("models.none")}</p>
        )}
        <ul className="flex flex-col">
          {items.map((model) => (
            <ModelRow key={model.hash} model={model} />
          ))}
        </ul>
      </Section>
      <UpstreamSection upstreams={upstreams.data?.items} error={upstreams.error} />
    </>
  );
}
