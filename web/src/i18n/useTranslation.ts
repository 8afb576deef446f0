import i18next, { type TFunction, type i18n } from "i18next";
import { useSyncExternalStore } from "react";

interface Translation {
  t: TFunction;
  i18n: i18n;
}

const spoken = new Map<string, Translation>();

function listen(changed: () => void): () => void {
  i18next.on("languageChanged", changed);
  return () => i18next.off("languageChanged", changed);
}

/**
 * The words of the language that is spoken now, and anew when another is. The same object for everybody:
 * react-i18next copies its instance for every caller, which rows of long lists pay for at every scroll.
 */
export function useTranslation(): Translation {
  const language = useSyncExternalStore(listen, () => i18next.language);
  let found = spoken.get(language);
  if (!found) spoken.set(language, (found = { t: i18next.getFixedT(language), i18n: i18next }));
  return found;
}
