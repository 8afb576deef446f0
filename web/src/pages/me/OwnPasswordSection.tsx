import { useState } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { PasswordForm } from "../sign-in/PasswordForm";
import { Notice } from "@/ui/Notice";

export function OwnPasswordSection() {
  const { t } = useTranslation();
  const [changed, setChanged] = useState(false);
  return (
    <>
      {changed && <Notice tone="good" role="status" title={t("password.changed")} />}
      <PasswordForm onChanged={() => setChanged(true)} />
    </>
  );
}
