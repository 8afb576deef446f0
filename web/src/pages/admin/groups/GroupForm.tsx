import type { Group } from "@/api/types";
import { useMe } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { PermissionFields, permissionsOf } from "@/ui/PermissionFields";
import { ProblemNotice } from "@/ui/ProblemNotice";

interface Props {
  group?: Group;
  submit: string;
  busy: boolean;
  error: unknown;
  onSubmit: (group: { name: string; permissions: string[] }) => void;
}

/** What a group is called and what it gives. */
export function GroupForm({ group, submit, busy, error, onSubmit }: Props) {
  const { t } = useTranslation();
  const given = group?.permissions ?? [];
  // What it gives already may stay, whoever gave it.
  const own = useMe().permissions;
  const permissions = [...own, ...given.filter((permission) => !own.includes(permission))];
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        onSubmit({ name: String(data.get("name")).trim(), permissions: permissionsOf(data) });
      }}
    >
      <ProblemNotice error={error} />
      <TextField label={t("group.name")} name="name" defaultValue={group?.name} maxLength={80} autoComplete="off" required />
      <PermissionFields legend={t("group.gives")} hint={t("group.gives_hint")} permissions={permissions} chosen={given} />
      <Button look="primary" type="submit" busy={busy} className="self-start">
        {submit}
      </Button>
    </form>
  );
}
