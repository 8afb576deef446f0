import { useState } from "react";
import type { ApiKey } from "@/api/types";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { KeySummary } from "@/pages/keys/KeySummary";
import { RevokeKeyDialog } from "@/pages/keys/RevokeKeyDialog";
import { useAllKeys } from "@/pages/keys/useKeys";
import { Button } from "@/ui/Button";
import { Section, useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { SearchInput } from "@/ui/SearchInput";
import { Skeleton } from "@/ui/States";
import { usePersonName } from "../users/usePersonName";

/** Every key of the tenant, whoever made it. */
export function AdminKeysPage() {
  const { t } = useTranslation();
  const may = useMay();
  const keys = useAllKeys();
  const nameOf = usePersonName();
  const [words, setWords] = useState("");
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  useTitle(t("admin.keys"));
  const sought = words.trim().toLowerCase();
  const items = keys.data?.items ?? [];
  const shown = items.filter((key) => `${key.name} ${nameOf(key.user_id)}`.toLowerCase().includes(sought));
  return (
    <Section title={t("admin.keys")} hint={t("key.all_hint")}>
      <SearchInput label={t("key.search")} value={words} onChange={setWords} />
      {keys.isPending && <Skeleton lines={4} />}
      <ProblemNotice error={keys.error} />
      {keys.isSuccess && shown.length === 0 && <p className="text-muted">{items.length ? t("key.none_found") : t("key.none")}</p>}
      <ul className="flex flex-col">
        {shown.map((key) => (
          <li key={key.id} className="flex flex-wrap items-start gap-3 border-b py-3 last:border-0">
            <KeySummary apiKey={key} owner={nameOf(key.user_id)} />
            {may("sessions.revoke") && (
              <Button look="danger" onClick={() => setRevoking(key)}>
                {t("key.revoke")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {revoking && <RevokeKeyDialog apiKey={revoking} onClose={() => setRevoking(null)} />}
    </Section>
  );
}
