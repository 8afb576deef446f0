import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { useTenantChanges } from "./useTenants";

export function NewTenantDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const { create } = useTenantChanges();
  const command = `millwright user add EMAIL --role admin --tenant ${create.data?.slug ?? ""}`;
  return (
    <Dialog open onClose={onClose} title={t("tenant.add")}>
      {create.data ? (
        <div className="flex flex-col gap-4">
          <Notice tone="good" role="status" title={t("tenant.first_admin")}>
            <code className="rounded-md bg-sunken p-3 text-sm break-all select-all">{command}</code>
          </Notice>
          <div className="flex flex-wrap justify-end gap-3">
            <CopyButton text={() => command} />
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
            create.mutate({ slug: String(data.get("slug")).trim(), name: String(data.get("name")).trim() });
          }}
        >
          <ProblemNotice error={create.error} />
          <TextField
            label={t("tenant.slug")}
            hint={t("tenant.slug_hint")}
            name="slug"
            pattern="[a-z0-9][a-z0-9\-]{0,38}[a-z0-9]"
            autoCapitalize="none"
            autoComplete="off"
            spellCheck={false}
            required
          />
          <TextField label={t("tenant.name")} name="name" maxLength={120} autoComplete="off" required />
          <div className="flex flex-wrap justify-end gap-3">
            <Button onClick={onClose}>{t("action.cancel")}</Button>
            <Button look="primary" type="submit" busy={create.isPending}>
              {t("tenant.add")}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
