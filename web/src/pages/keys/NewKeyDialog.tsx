import { useState } from "react";
import { useMe } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { SelectField, TextField } from "@/ui/Field";
import { PermissionFields, permissionsOf } from "@/ui/PermissionFields";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { SecretOnce } from "./SecretOnce";
import { useKeyChanges } from "./useKeys";

const DAY_S = 86_400;
const LIFETIMES_DAYS = [7, 30, 90, 180, 365];
const LIFETIME_DAYS = 90;
/** What a machine that only asks needs. */
const USUAL = ["chat.send", "search.query", "documents.read"];

export function NewKeyDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const { create } = useKeyChanges();
  const [none, setNone] = useState(false);
  const submit = (data: FormData) => {
    const scopes = permissionsOf(data);
    setNone(scopes.length === 0);
    if (!scopes.length) return;
    const limit = String(data.get("limit") ?? "");
    create.mutate({
      name: String(data.get("name")).trim(),
      scopes,
      lifetime_s: Number(data.get("days")) * DAY_S,
      requests_per_minute: limit ? Number(limit) : null,
    });
  };
  return (
    <Dialog open onClose={onClose} title={t("key.make")}>
      {create.data ? (
        <SecretOnce secret={create.data.secret} onClose={onClose} />
      ) : (
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            submit(new FormData(event.currentTarget));
          }}
        >
          <ProblemNotice error={create.error} />
          <TextField label={t("key.name")} hint={t("key.name_hint")} name="name" maxLength={80} autoComplete="off" required />
          <SelectField label={t("key.lifetime")} name="days" defaultValue={LIFETIME_DAYS}>
            {LIFETIMES_DAYS.map((days) => (
              <option key={days} value={days}>
                {t("key.days", { count: days })}
              </option>
            ))}
          </SelectField>
          <TextField label={t("key.limit")} hint={t("key.limit_hint")} name="limit" type="number" min={1} max={6000} />
          <PermissionFields
            legend={t("key.scopes")}
            hint={t("key.scopes_hint")}
            fault={none ? t("key.scopes_none") : null}
            permissions={me.permissions}
            chosen={USUAL}
          />
          <div className="flex flex-wrap justify-end gap-3">
            <Button onClick={onClose}>{t("action.cancel")}</Button>
            <Button look="primary" type="submit" busy={create.isPending}>
              {t("key.make")}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
