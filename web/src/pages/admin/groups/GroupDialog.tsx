import { useState } from "react";
import type { Group } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Dialog } from "@/ui/Dialog";
import { Notice } from "@/ui/Notice";
import { GroupForm } from "./GroupForm";
import { MembersSection } from "./MembersSection";
import { useGroupChanges } from "./useGroups";

interface Props {
  group: Group;
  onClose: () => void;
}

/** One group: its name, what it gives, who is in it. */
export function GroupDialog({ group, onClose }: Props) {
  const { t } = useTranslation();
  const changes = useGroupChanges();
  const { change, remove } = changes;
  const [deleting, setDeleting] = useState(false);
  return (
    <Dialog open onClose={onClose} title={group.name}>
      {change.isSuccess && <Notice tone="good" role="status" title={t("state.saved")} />}
      <GroupForm
        group={group}
        submit={t("action.save")}
        busy={change.isPending}
        error={change.error}
        onSubmit={(body) => change.mutate({ id: group.id, body })}
      />
      <MembersSection group={group} changes={changes} />
      <div className="mt-6 border-t pt-5">
        <Button look="danger" onClick={() => setDeleting(true)}>
          {t("group.delete")}
        </Button>
      </div>
      <ConfirmDialog
        open={deleting}
        title={t("group.delete_title", { name: group.name })}
        what={t("group.delete_what")}
        confirm={t("group.delete")}
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(group.id, { onSuccess: onClose })}
        onClose={() => setDeleting(false)}
      />
    </Dialog>
  );
}
