import type { ApiKey } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge } from "@/ui/Badge";
import { usePermissionWords } from "@/ui/permissions";
import { endsSoon } from "./endsSoon";

interface Props {
  apiKey: ApiKey;
  /** Whose it is, where that is not plain. */
  owner?: string;
}

/** A key as it is listed: what it may do, until when, and whether somebody uses it. */
export function KeySummary({ apiKey, owner }: Props) {
  const { t } = useTranslation();
  const { moment, ago } = useFormats();
  const words = usePermissionWords();
  return (
    <div className="flex min-w-0 grow basis-60 flex-col gap-1">
      <p className="flex flex-wrap items-center gap-2">
        <span className="font-medium">{apiKey.name}</span>
        {owner && <span className="text-muted">{t("key.of", { name: owner })}</span>}
        {apiKey.secrets.length > 1 && <Badge tone="accent">{t("key.two_secrets")}</Badge>}
        {endsSoon(apiKey.expires_at) && <Badge tone="warn">{t("key.ends_soon")}</Badge>}
      </p>
      <p className="text-sm text-muted">
        {t("key.times", { created: moment(apiKey.created_at), expires: moment(apiKey.expires_at) })}
        {apiKey.requests_per_minute && ` · ${t("key.limit_value", { count: apiKey.requests_per_minute })}`}
      </p>
      <ul className="text-sm">
        {apiKey.secrets.map((secret) => (
          <li key={secret.prefix} className="flex flex-wrap gap-x-3">
            <code>{secret.prefix}…</code>
            <span className="text-muted">
              {secret.last_used_at ? t("key.used", { ago: ago(secret.last_used_at) }) : t("key.unused")}
              {secret.ends_at && ` · ${t("key.former", { moment: moment(secret.ends_at) })}`}
            </span>
          </li>
        ))}
      </ul>
      <details className="text-sm">
        <summary className="inline-flex min-h-target items-center underline">{t("key.scopes_count", { count: apiKey.scopes.length })}</summary>
        <ul className="flex flex-wrap gap-1 pb-1">
          {apiKey.scopes.map((scope) => (
            <li key={scope}>
              <Badge>{words.whole(scope)}</Badge>
            </li>
          ))}
        </ul>
      </details>
    </div>
  );
}
