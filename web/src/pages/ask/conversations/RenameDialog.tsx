import type { Conversation } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { useConversationChanges } from "./useConversations";

interface Props {
  conversation: Conversation;
  open: boolean;
  onClose: () => void;
}

export function RenameDialog({ conversation, open, onClose }: Props) {
  const { t } = useTranslation();
  const { rename } = useConversationChanges();
  const submit = (data: FormData) => {
    const title = String(data.get("title") ?? "").trim();
    if (title) rename.mutate({ id: conversation.id, title }, { onSuccess: onClose });
  };
  return (
    <Dialog open={open} onClose={onClose} title={t("conversations.rename")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          submit(new FormData(event.currentTarget));
        }}
      >
        <ProblemNotice error={rename.error} />
        <TextField label={t("conversations.name")} name="title" defaultValue={conversation.title} maxLength={200} autoFocus required />
        <div className="flex justify-end gap-3">
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="primary" type="submit" busy={rename.isPending}>
            {t("action.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
