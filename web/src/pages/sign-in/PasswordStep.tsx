import { useRefreshSession } from "@/app/session";
import { useTranslation } from "@/i18n/useTranslation";
import { Entrance } from "./Entrance";
import { PasswordForm } from "./PasswordForm";

export function PasswordStep() {
  const { t } = useTranslation();
  const refresh = useRefreshSession();
  return (
    <Entrance title={t("password.title")}>
      <p>{t("password.why")}</p>
      <PasswordForm onChanged={refresh} />
    </Entrance>
  );
}
