import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { Notice } from "@/ui/Notice";

interface Props {
  secret: string;
  onClose: () => void;
}

/** A key in full, which nobody can be shown again. */
export function SecretOnce({ secret, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-4">
      <Notice tone="warn" role="status" title={t("key.once")} />
      <p className="flex flex-col gap-1">
        <span className="font-medium">{t("key.secret")}</span>
        <code data-testid="key-secret" className="rounded-md bg-sunken p-3 text-sm break-all select-all">
          {secret}
        </code>
      </p>
      <div className="flex flex-wrap justify-end gap-3">
        <CopyButton text={() => secret} />
        <Button look="primary" onClick={onClose}>
          {t("action.done")}
        </Button>
      </div>
    </div>
  );
}
