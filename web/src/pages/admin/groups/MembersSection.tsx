import { useId, useState } from "react";
import type { Group } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { SelectField } from "@/ui/Field";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { useUsers } from "../users/usePersonName";
import { useMembers, type GroupChanges } from "./useGroups";

interface Props {
  group: Group;
  changes: GroupChanges;
}

/** Who is in a group. */
export function MembersSection({ group, changes }: Props) {
  const { t } = useTranslation();
  const titleId = useId();
  const members = useMembers(group.id);
  const users = useUsers();
  const [chosen, setChosen] = useState("");
  const { putIn, takeOut } = changes;
  const inside = new Set(members.data?.map(({ id }) => id));
  const others = users.data?.filter(({ id, status }) => !inside.has(id) && status === "active") ?? [];
  const add = () => putIn.mutate({ id: group.id, user: chosen }, { onSuccess: () => setChosen("") });
  return (
    <section aria-labelledby={titleId} className="mt-6 flex flex-col gap-3 border-t pt-5">
      <h3 id={titleId} className="font-semibold">
        {t("group.members")}
      </h3>
      <ProblemNotice error={members.error ?? putIn.error ?? takeOut.error} />
      {members.isPending && <Skeleton lines={2} />}
      {members.data?.length === 0 && <p className="text-muted">{t("group.members_none")}</p>}
      <ul className="flex flex-col">
        {members.data?.map((member) => (
          <li key={member.id} className="flex flex-wrap items-center gap-3 border-b py-2 last:border-0">
            <span className="min-w-0 grow">
              <span className="block truncate">{member.display_name}</span>
              <span className="block truncate text-sm text-muted">{member.email}</span>
            </span>
            <Button
              aria-label={t("group.remove_member", { name: member.display_name })}
              busy={takeOut.isPending && takeOut.variables.user === member.id}
              onClick={() => takeOut.mutate({ id: group.id, user: member.id })}
            >
              {t("group.take_out")}
            </Button>
          </li>
        ))}
      </ul>
      {others.length > 0 && (
        <form
          className="flex flex-wrap items-end gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            if (chosen) add();
          }}
        >
          <div className="min-w-0 grow basis-48">
            <SelectField label={t("group.add_member")} value={chosen} onChange={(event) => setChosen(event.target.value)}>
              <option value="">{t("group.choose_person")}</option>
              {others.map((user) => (
                <option key={user.id} value={user.id}>
                  {`${user.display_name} (${user.email})`}
                </option>
              ))}
            </SelectField>
          </div>
          <Button type="submit" disabled={!chosen} busy={putIn.isPending}>
            {t("group.add_member")}
          </Button>
        </form>
      )}
    </section>
  );
}
