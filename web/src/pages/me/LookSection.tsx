import { setLook, THEMES, useLook } from "@/app/theme";
import { useTranslation } from "@/i18n/useTranslation";
import { setShortcutsOn, useShortcutsOn } from "@/shell/shortcutsOn";
import { CheckField, SelectField } from "@/ui/Field";
import { Section } from "@/ui/Page";

/** How it looks on this device. */
export function LookSection() {
  const { t } = useTranslation();
  const look = useLook();
  const shortcuts = useShortcutsOn();
  return (
    <Section title={t("me.look")} hint={t("me.look_hint")}>
      <SelectField
        label={t("theme.label")}
        value={look.theme}
        onChange={(event) => {
          const theme = THEMES.find((one) => one === event.target.value);
          if (theme) setLook({ theme });
        }}
      >
        {THEMES.map((theme) => (
          <option key={theme} value={theme}>
            {t(`theme.${theme}`)}
          </option>
        ))}
      </SelectField>
      <CheckField label={t("theme.contrast")} checked={look.contrast} onChange={(event) => setLook({ contrast: event.target.checked })} />
      <CheckField label={t("shortcuts.on")} checked={shortcuts} onChange={(event) => setShortcutsOn(event.target.checked)} />
    </Section>
  );
}
