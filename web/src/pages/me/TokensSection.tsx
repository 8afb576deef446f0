import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take, takeWithStepUp } from "@/api/client";
import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Section } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { useRoleName } from "@/ui/useRoleName";
import { IssueTokenDialog } from "./IssueTokenDialog";

/** Tokens with which programs act for one. */
export function TokensSection() {
  const { t } = useTranslation();
  const { moment } = useFormats();
  const roleName = useRoleName();
  const client = useQueryClient();
  const [issuing, setIssuing] = useState(false);
  const tokens = useQuery({
    queryKey: ["tokens"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/auth/tokens", { signal })),
  });
  const revoke = useMutation({
    mutationFn: (token_id: string) =>
      takeWithStepUp(() => api.DELETE("/api/v1/auth/tokens/{token_id}", { params: { path: { token_id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["tokens"] }),
  });
  return (
    <Section title={t("token.section")} hint={t("token.hint")} actions={<Button onClick={() => setIssuing(true)}>{t("token.issue")}</Button>}>
      {tokens.isPending && <Skeleton lines={2} />}
      <ProblemNotice error={tokens.error ?? revoke.error} />
      {tokens.data?.items.length === 0 && <p className="text-muted">{t("token.none")}</p>}
      <ul className="flex flex-col">
        {tokens.data?.items.map((token) => (
          <li key={token.id} className="flex flex-wrap items-center gap-3 border-b py-2 last:border-0">
            <span className="min-w-0 grow">
              {roleName(token.role)}
              <span className="block text-sm text-muted">
                {t("token.times", { issued: moment(token.issued_at), expires: moment(token.expires_at) })}
              </span>
            </span>
            <Button look="danger" busy={revoke.isPending && revoke.variables === token.id} onClick={() => revoke.mutate(token.id)}>
              {t("token.revoke")}
            </Button>
          </li>
        ))}
      </ul>
      {issuing && <IssueTokenDialog onClose={() => setIssuing(false)} />}
    </Section>
  );
}
