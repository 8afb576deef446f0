import { UsersRound } from "lucide-react";
import { useState } from "react";
import type { Group } from "@/api/types";
import { useMay } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Section, useTitle } from "@/ui/Page";
import { usePermissionWords } from "@/ui/permissions";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Skeleton } from "@/ui/States";
import { GroupDialog } from "./GroupDialog";
import { GroupForm } from "./GroupForm";
import { useGroupChanges, useGroups } from "./useGroups";

/** Groups of people and what they add to a role. */
export function GroupsPage() {
  const { t } = useTranslation();
  const may = useMay();
  const groups = useGroups();
  const { create } = useGroupChanges();
  const [adding, setAdding] = useState(false);
  const [chosen, setChosen] = useState<string | null>(null);
  useTitle(t("admin.groups"));
  const open = groups.data?.items.find(({ id }) => id === chosen);
  const made = (group: Group) => {
    setAdding(false);
    create.reset();
    setChosen(group.id);
  };
  const add = may("groups.change") && (
    <Button look="primary" icon={<UsersRound aria-hidden className="size-5" />} onClick={() => setAdding(true)}>
      {t("group.add")}
    </Button>
  );
  return (
    <Section title={t("admin.groups")} hint={t("group.hint")} actions={add}>
      {groups.isPending && <Skeleton lines={4} />}
      <ProblemNotice error={groups.error} />
      {groups.data?.items.length === 0 && <p className="text-muted">{t("group.none")}</p>}
      <ul className="flex flex-col">
        {groups.data?.items.map((group) => (
          <GroupRow key={group.id} group={group} onOpen={may("groups.change") ? () => setChosen(group.id) : undefined} />
        ))}
      </ul>
      <Dialog open={adding} onClose={() => setAdding(false)} title={t("group.add")}>
        <GroupForm submit={t("group.add")} busy={create.isPending} error={create.error} onSubmit={(body) => create.mutate(body, { onSuccess: made })} />
      </Dialog>
      {open && <GroupDialog key={open.id} group={open} onClose={() => setChosen(null)} />}
    </Section>
  );
}

function GroupRow({ group, onOpen }: { group: Group; onOpen?: () => void }) {
  const { t } = useTranslation();
  const words = usePermissionWords();
  const content = (
    <>
      <span className="flex w-full flex-wrap items-center gap-2">
        <span className="grow font-medium">{group.name}</span>
        <span className="text-sm text-muted">{t("group.members_count", { count: group.members })}</span>
      </span>
      <span className="flex flex-wrap gap-1">
        {group.permissions.length === 0 && <span className="text-sm text-muted">{t("group.nothing")}</span>}
        {group.permissions.map((permission) => (
          <Badge key={permission}>{words.whole(permission)}</Badge>
        ))}
      </span>
    </>
  );
  const look = "flex min-h-16 w-full flex-col items-start justify-center gap-1 rounded-md px-2 py-2 text-left";
  return (
    <li className="border-b last:border-0">
      {onOpen ? (
        <button type="button" onClick={onOpen} className={`${look} hover:bg-hover`}>
          {content}
        </button>
      ) : (
        <div className={look}>{content}</div>
      )}
    </li>
  );
}
