import type { User } from "@/api/types";
import { useMay, useMe } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { OneTimePassword } from "./OneTimePassword";
import { PlacesSection } from "./PlacesSection";
import { RightsFields, rightsOf } from "./RightsFields";
import { useUserChanges, type UserChanges } from "./useUserChanges";

interface Props {
  user: User;
  onClose: () => void;
}

/** One person: what they may do, and help when they can't get in. */
export function UserDialog({ user, onClose }: Props) {
  const { t } = useTranslation();
  const changes = useUserChanges();
  const own = useMe().id === user.id;
  const may = useMay();
  const { change } = changes;
  return (
    <Dialog open onClose={onClose} title={user.display_name}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const data = new FormData(event.currentTarget);
          const rights = own ? {} : rightsOf(data);
          change.mutate({ id: user.id, body: { ...rights, display_name: String(data.get("display_name")).trim() } }, { onSuccess: onClose });
        }}
      >
        <p className="text-muted">{user.email}</p>
        <ProblemNotice error={change.error} />
        <TextField label={t("me.display_name")} name="display_name" defaultValue={user.display_name} maxLength={120} required />
        {own ? <Notice>{t("user.own")}</Notice> : <RightsFields rights={user} />}
        <Button look="primary" type="submit" busy={change.isPending}>
          {t("action.save")}
        </Button>
      </form>
      {!own && <Access user={user} changes={changes} />}
      {may("sessions.read") && <PlacesSection userId={user.id} />}
    </Dialog>
  );
}

function Access({ user, changes }: { user: User; changes: UserChanges }) {
  const { t } = useTranslation();
  const { change, resetPassword, resetFactor, signOut } = changes;
  const active = user.status === "active";
  return (
    <section aria-labelledby="access" className="mt-6 flex flex-col gap-3 border-t pt-5">
      <h3 id="access" className="font-semibold">
        {t("user.access")}
      </h3>
      <ProblemNotice error={resetPassword.error ?? resetFactor.error ?? signOut.error} />
      {resetPassword.data && <OneTimePassword password={resetPassword.data.one_time_password} />}
      {resetFactor.data && (
        <Notice tone="good" role="status" title={t(resetFactor.data.state === "done" ? "user.factor_gone" : "user.factor_second")} />
      )}
      {signOut.data && <Notice tone="good" role="status" title={t("user.signed_out", { count: signOut.data.sessions_ended })} />}
      <div className="flex flex-wrap gap-2">
        <Button busy={resetPassword.isPending} onClick={() => resetPassword.mutate(user.id)}>
          {t("user.reset_password")}
        </Button>
        <Button busy={resetFactor.isPending} onClick={() => resetFactor.mutate(user.id)}>
          {t("user.reset_factor")}
        </Button>
        <Button busy={signOut.isPending} onClick={() => signOut.mutate(user.id)}>
          {t("user.sign_out")}
        </Button>
        <Button
          look={active ? "danger" : "secondary"}
          busy={change.isPending}
          onClick={() => change.mutate({ id: user.id, body: { status: active ? "disabled" : "active" } })}
        >
          {active ? t("user.disable") : t("user.enable")}
        </Button>
      </div>
    </section>
  );
}
