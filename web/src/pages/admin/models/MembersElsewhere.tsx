import { Network } from "lucide-react";
import { useId } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { UpstreamBadge } from "./UpstreamBadge";
import type { UpstreamModel } from "./useModels";

/** Members of a tier that are on other machines, which the configuration says and nobody chooses here. */
export function MembersElsewhere({ upstreams }: { upstreams: UpstreamModel[] }) {
  const { t } = useTranslation();
  const label = useId();
  if (upstreams.length === 0) return null;
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
      <span id={label} className="inline-flex items-center gap-2 text-muted">
        <Network aria-hidden className="size-4 shrink-0" />
        {t("models.upstream.members")}
      </span>
      <ul aria-labelledby={label} className="flex flex-wrap gap-x-4 gap-y-1">
        {upstreams.map(({ name, state }) => (
          <li key={name} className="inline-flex flex-wrap items-center gap-2">
            <span className="break-all">{name}</span>
            <UpstreamBadge state={state} />
          </li>
        ))}
      </ul>
    </div>
  );
}
