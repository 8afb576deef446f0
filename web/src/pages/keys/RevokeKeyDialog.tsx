import type { ApiKey } from "@/api/types";
import { useMe } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { useKeyChanges } from "./useKeys";

interface Props {
  apiKey: ApiKey;
  onClose: () => void;
}

/** Ends a key, one's own or somebody else's. */
export function RevokeKeyDialog({ apiKey, onClose }: Props) {
  const { t } = useTranslation();
  const own = useMe().id === apiKey.user_id;
  const { revoke, revokeOf } = useKeyChanges();
  const confirm = () => {
    const done = { onSuccess: onClose };
    if (own) revoke.mutate(apiKey.id, done);
    else revokeOf.mutate(apiKey, done);
  };
  return (
    <ConfirmDialog
      open
      title={t("key.revoke_title", { name: apiKey.name })}
      what={t("key.revoke_what")}
      confirm={t("key.revoke")}
      busy={revoke.isPending || revokeOf.isPending}
      error={revoke.error ?? revokeOf.error}
      onConfirm={confirm}
      onClose={onClose}
    />
  );
}
