import { useTranslation } from "@/i18n/useTranslation";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { UpstreamRow } from "./UpstreamRow";
import type { UpstreamModel } from "./useModels";

interface Props {
  /** Absent when they could not be asked for. */
  upstreams: UpstreamModel[] | undefined;
  error: unknown;
}

/** The models on other machines. The configuration names them, so here they are looked at only. */
export function UpstreamSection({ upstreams, error }: Props) {
  const { t } = useTranslation();
  const some = Boolean(upstreams?.length);
  const down = upstreams?.some(({ state }) => state === "down");
  return (
    <Section title={t("models.upstream.title")} hint={some && t("models.upstream.hint")}>
      <ProblemNotice error={error} />
      {upstreams && !some && <p className="text-muted">{t("models.upstream.none")}</p>}
      {down && <p className="max-w-reading text-sm">{t("models.upstream.meanwhile")}</p>}
      {some && (
        <ul className="flex flex-col">
          {upstreams?.map((upstream) => (
            <UpstreamRow key={upstream.name} upstream={upstream} />
          ))}
        </ul>
      )}
    </Section>
  );
}
