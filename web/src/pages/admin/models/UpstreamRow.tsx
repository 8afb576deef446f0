import { Network } from "lucide-react";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge } from "@/ui/Badge";
import { Notice } from "@/ui/Notice";
import { TIERS } from "@/api/types";
import { shortHash } from "./tiers";
import { UpstreamBadge } from "./UpstreamBadge";
import { causeOf, saysMore } from "./upstreams";
import type { UpstreamModel } from "./useModels";

/** A model on another machine: what it is, whether it answers, and otherwise why not and what to do. */
export function UpstreamRow({ upstream }: { upstream: UpstreamModel }) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const { name, state, detail, hash, context_tokens } = upstream;
  const facts = [
    [t("models.upstream.address"), upstream.address],
    [t("models.upstream.model"), upstream.model],
    [t("models.context"), t("models.upstream.context", { tokens: number(context_tokens) })],
  ] as const;
  return (
    <li className="flex flex-col gap-3 border-b py-4 last:border-0">
      <h3 className="flex flex-wrap items-center gap-2 font-semibold">
        <Network aria-hidden className="size-5 shrink-0 text-muted" />
        <span className="min-w-0 break-all">{name}</span>
        <UpstreamBadge state={state} />
        {TIERS.filter((tier) => upstream.tiers.includes(tier)).map((tier) => (
          <Badge key={tier} tone="accent">
            {t(`models.tier.${tier}`)}
          </Badge>
        ))}
      </h3>
      {state === "down" && <Down detail={detail ?? ""} />}
      <dl className="grid gap-x-4 gap-y-2 text-sm sm:grid-cols-2">
        {facts.map(([label, value]) => (
          <div key={label} className="min-w-0">
            <dt className="text-muted">{label}</dt>
            <dd className="break-words tabular-nums [overflow-wrap:anywhere]">{value}</dd>
          </div>
        ))}
      </dl>
      <details className="text-sm">
        <summary className="inline-flex min-h-target items-center underline">
          {t("models.upstream.hash", { begin: shortHash(hash) })}
        </summary>
        <code className="break-all select-all">{hash}</code>
      </details>
    </li>
  );
}

/** The reason in words, what to do, and what only the appliance's own words tell. */
function Down({ detail }: { detail: string }) {
  const { t } = useTranslation();
  const cause = causeOf(detail);
  return (
    <Notice tone="warn" title={t(`models.upstream.down.${cause}.title`)}>
      <p>{t(`models.upstream.down.${cause}.next`)}</p>
      {saysMore(detail) && (
        <p lang="en" className="text-sm text-muted">
          {detail}
        </p>
      )}
    </Notice>
  );
}
