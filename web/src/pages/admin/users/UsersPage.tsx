import { UserPlus } from "lucide-react";
import { useState } from "react";
import type { User } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Badge, LabelBadges } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { useTitle } from "@/ui/Page";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { SearchInput } from "@/ui/SearchInput";
import { Skeleton } from "@/ui/States";
import { useRoleName } from "@/ui/useRoleName";
import { NewUserDialog } from "./NewUserDialog";
import { UserDialog } from "./UserDialog";
import { useUsers } from "./usePersonName";

export function UsersPage() {
  const { t } = useTranslation();
  const users = useUsers();
  const [words, setWords] = useState("");
  const [adding, setAdding] = useState(false);
  const [chosen, setChosen] = useState<string | null>(null);
  useTitle(t("admin.users"));
  const sought = words.trim().toLowerCase();
  const shown = users.data?.filter((user) => `${user.display_name} ${user.email}`.toLowerCase().includes(sought)) ?? [];
  const open = users.data?.find((user) => user.id === chosen);
  return (
    <>
      <div className="flex flex-wrap gap-3">
        <SearchInput label={t("user.search")} value={words} onChange={setWords} />
        <Button look="primary" icon={<UserPlus aria-hidden className="size-5" />} onClick={() => setAdding(true)}>
          {t("user.add")}
        </Button>
      </div>
      {users.isPending && <Skeleton lines={6} />}
      <ProblemNotice error={users.error} />
      {users.isSuccess && (
        <ul className="rounded-lg border bg-surface">
          {shown.map((user) => (
            <UserRow key={user.id} user={user} onOpen={() => setChosen(user.id)} />
          ))}
          {shown.length === 0 && <li className="p-4 text-muted">{t("user.none")}</li>}
        </ul>
      )}
      {adding && <NewUserDialog onClose={() => setAdding(false)} />}
      {open && <UserDialog user={open} onClose={() => setChosen(null)} />}
    </>
  );
}

function UserRow({ user, onOpen }: { user: User; onOpen: () => void }) {
  const { t } = useTranslation();
  const roleName = useRoleName();
  return (
    <li className="border-b last:border-0">
      <button type="button" onClick={onOpen} className="flex min-h-16 w-full flex-wrap items-center gap-2 px-4 py-2 text-left hover:bg-hover">
        <span className="min-w-0 grow">
          <span className="block truncate font-medium">{user.display_name}</span>
          <span className="block truncate text-sm text-muted">{user.email}</span>
        </span>
        {user.status === "disabled" && <Badge tone="bad">{t("user.disabled")}</Badge>}
        {user.must_change_password && <Badge tone="accent">{t("user.one_time_password")}</Badge>}
        <Badge>{roleName(user.role)}</Badge>
        <LabelBadges classification={user.clearance} exportControl={user.export_eligible ? "controlled" : "none"} />
      </button>
    </li>
  );
}
