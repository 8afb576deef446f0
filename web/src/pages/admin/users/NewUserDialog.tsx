import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { OneTimePassword } from "./OneTimePassword";
import { RightsFields, rightsOf } from "./RightsFields";
import { useUserChanges } from "./useUserChanges";

const NEW = { role: "viewer", clearance: "INTERNAL", export_eligible: false };

export function NewUserDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const { create } = useUserChanges();
  return (
    <Dialog open onClose={onClose} title={t("user.add")}>
      {create.data ? (
        <div className="flex flex-col gap-4">
          <OneTimePassword password={create.data.one_time_password} />
          <Button look="primary" onClick={onClose}>
            {t("action.done")}
          </Button>
        </div>
      ) : (
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            const data = new FormData(event.currentTarget);
            const text = (name: string) => String(data.get(name)).trim();
            create.mutate({ ...rightsOf(data), email: text("email"), display_name: text("display_name") });
          }}
        >
          <ProblemNotice error={create.error} />
          <TextField label={t("sign_in.email")} name="email" type="email" autoComplete="off" required />
          <TextField label={t("me.display_name")} name="display_name" autoComplete="off" maxLength={120} required />
          <RightsFields rights={NEW} />
          <div className="flex justify-end gap-3">
            <Button onClick={onClose}>{t("action.cancel")}</Button>
            <Button look="primary" type="submit" busy={create.isPending}>
              {t("user.add")}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
