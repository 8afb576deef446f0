import { KIOSK_MINUTES, setKiosk, useKiosk } from "@/app/kiosk";
import { useTranslation } from "@/i18n/useTranslation";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { Section } from "@/ui/Page";

/** Whether several people share this device. */
export function KioskSection() {
  const { t } = useTranslation();
  const kiosk = useKiosk();
  return (
    <Section title={t("kiosk.section")} hint={t("kiosk.hint")}>
      <CheckField label={t("kiosk.on")} checked={kiosk !== null} onChange={(event) => setKiosk(event.target.checked ? { minutes: 5, tenant: "" } : null)} />
      {kiosk && (
        <>
          <SelectField label={t("kiosk.minutes")} value={kiosk.minutes} onChange={(event) => setKiosk({ ...kiosk, minutes: Number(event.target.value) })}>
            {KIOSK_MINUTES.map((minutes) => (
              <option key={minutes} value={minutes}>
                {t("kiosk.minutes_value", { count: minutes })}
              </option>
            ))}
          </SelectField>
          <TextField
            label={t("sign_in.tenant")}
            hint={t("kiosk.tenant_hint")}
            value={kiosk.tenant}
            onChange={(event) => setKiosk({ ...kiosk, tenant: event.target.value.replace(/\s/g, "") })}
            autoCapitalize="none"
            spellCheck={false}
            maxLength={40}
          />
        </>
      )}
    </Section>
  );
}
