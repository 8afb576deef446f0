import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";

interface Props {
  codes: string[];
  onKept: () => void | Promise<void>;
}

/** The codes for a lost authenticator, which are shown once. */
export function RecoveryCodes({ codes, onKept }: Props) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-4">
      <h2 className="text-lg font-semibold">{t("recovery.title")}</h2>
      <p>{t("recovery.why")}</p>
      <ol data-testid="recovery-codes" className="grid grid-cols-1 gap-x-6 gap-y-1 rounded-md bg-sunken p-4 font-mono text-lg sm:grid-cols-2">
        {codes.map((code) => (
          <li key={code} className="select-all">
            {code}
          </li>
        ))}
      </ol>
      <div className="flex flex-wrap gap-3">
        <CopyButton text={() => codes.join("\n")} />
        <Button look="primary" className="grow" onClick={() => void onKept()}>
          {t("recovery.kept")}
        </Button>
      </div>
    </div>
  );
}
