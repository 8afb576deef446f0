import { useTranslation } from "@/i18n/useTranslation";
import { CopyButton } from "@/ui/CopyButton";
import { Notice } from "@/ui/Notice";

/** A password for the next sign-in, to be handed over. */
export function OneTimePassword({ password }: { password: string }) {
  const { t } = useTranslation();
  return (
    <Notice tone="warn" role="status" title={t("user.password_once")}>
      <p className="flex flex-wrap items-center gap-2">
        <code data-testid="one-time-password" className="text-lg font-semibold break-all select-all">
          {password}
        </code>
        <CopyButton text={() => password} />
      </p>
    </Notice>
  );
}
