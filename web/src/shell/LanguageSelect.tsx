import { LANGUAGES, knownLanguage, speak } from "@/i18n";
import { useTranslation } from "@/i18n/useTranslation";

/** The language of this browser, for those who are not signed in. */
export function LanguageSelect() {
  const { t, i18n } = useTranslation();
  return (
    <label className="flex items-center gap-2">
      <span className="sr-only">{t("language.label")}</span>
      <select
        value={i18n.language}
        onChange={(event) => {
          const tag = knownLanguage(event.target.value);
          if (tag) void speak(tag, true);
        }}
        className="min-h-target rounded-md border border-edge bg-surface px-3"
      >
        {LANGUAGES.map(({ tag, name }) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
