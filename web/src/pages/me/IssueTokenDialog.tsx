import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, takeWithStepUp } from "@/api/client";
import { ROLES } from "@/api/types";
import { useMe } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { Dialog } from "@/ui/Dialog";
import { SelectField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { useRoleName } from "@/ui/useRoleName";

const DAY_S = 86_400;
const LIFETIMES_DAYS = [1, 7, 30, 90];

export function IssueTokenDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const roleName = useRoleName();
  const client = useQueryClient();
  const issue = useMutation({
    mutationFn: (body: { role: string; lifetime_s: number }) =>
      takeWithStepUp(() => api.POST("/api/v1/auth/tokens", { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["tokens"] }),
  });
  const roles = ROLES.slice(0, ROLES.findIndex((role) => role === me.role) + 1);
  const issued = issue.data;
  return (
    <Dialog open onClose={onClose} title={t("token.issue")}>
      {issued ? (
        <div className="flex flex-col gap-4">
          <Notice tone="warn" title={t("token.once")} />
          <code className="rounded-md bg-sunken p-3 text-sm break-all select-all">{issued.access_token}</code>
          <div className="flex justify-end gap-3">
            <CopyButton text={() => issued.access_token} />
            <Button look="primary" onClick={onClose}>
              {t("action.done")}
            </Button>
          </div>
        </div>
      ) : (
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            const data = new FormData(event.currentTarget);
            issue.mutate({ role: String(data.get("role")), lifetime_s: Number(data.get("days")) * DAY_S });
          }}
        >
          <ProblemNotice error={issue.error} />
          <SelectField label={t("role.label")} name="role" defaultValue={me.role}>
            {roles.map((role) => (
              <option key={role} value={role}>
                {roleName(role)}
              </option>
            ))}
          </SelectField>
          <SelectField label={t("token.lifetime")} name="days" defaultValue="7">
            {LIFETIMES_DAYS.map((days) => (
              <option key={days} value={days}>
                {t("token.days", { count: days })}
              </option>
            ))}
          </SelectField>
          <Button look="primary" type="submit" busy={issue.isPending}>
            {t("token.issue")}
          </Button>
        </form>
      )}
    </Dialog>
  );
}
