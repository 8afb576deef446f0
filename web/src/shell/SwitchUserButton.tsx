import { useQueryClient } from "@tanstack/react-query";
import { UsersRound } from "lucide-react";
import { useKiosk } from "@/app/kiosk";
import { signOut } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Button, IconButton } from "@/ui/Button";

/** On a shared device: one press, and the next person signs in. */
export function SwitchUserButton({ compact = false }: { compact?: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  if (!useKiosk()) return null;
  const leave = () => void signOut(client);
  if (compact) {
    return (
      <IconButton label={t("kiosk.switch")} onClick={leave}>
        <UsersRound aria-hidden />
      </IconButton>
    );
  }
  return (
    <Button className="w-full" icon={<UsersRound aria-hidden className="size-5" />} onClick={leave}>
      {t("kiosk.switch")}
    </Button>
  );
}
