import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import type en from "./en.json";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: typeof en };
  }
}

export const LANGUAGES = [
  { tag: "en", name: "English" },
  { tag: "de", name: "Deutsch" },
  { tag: "cs", name: "Čeština" },
] as const;

export type LanguageTag = (typeof LANGUAGES)[number]["tag"];

/** Each language is a chunk of its own. */
const CATALOGUES: Record<LanguageTag, () => Promise<{ default: object }>> = {
  en: () => import("./en.json"),
  de: () => import("./de.json"),
  cs: () => import("./cs.json"),
};

const STORED = "language";

/** The language of ours that fits a BCP 47 tag. */
export function knownLanguage(tag: string | null | undefined): LanguageTag | null {
  const primary = tag?.split("-")[0]?.toLowerCase();
  return LANGUAGES.find((language) => language.tag === primary)?.tag ?? null;
}

/** What this browser was told last, if anything. */
export const storedLanguage = (): LanguageTag | null => knownLanguage(localStorage.getItem(STORED));

function preferredLanguage(): LanguageTag {
  const wished = navigator.languages.map(knownLanguage).find((tag) => tag !== null);
  return storedLanguage() ?? wished ?? "en";
}

/** Speaks `tag` from now on. */
export async function speak(tag: LanguageTag, remember = false): Promise<void> {
  if (remember) localStorage.setItem(STORED, tag);
  if (!i18next.hasResourceBundle(tag, "translation")) {
    const catalogue = await CATALOGUES[tag]();
    i18next.addResourceBundle(tag, "translation", catalogue.default);
  }
  await i18next.changeLanguage(tag);
  document.documentElement.lang = tag;
}

export async function startLanguages(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: "none",
    fallbackLng: false,
    resources: {},
    interpolation: { escapeValue: false },
    returnNull: false,
    showSupportNotice: false,
    react: { useSuspense: false },
  });
  await speak(preferredLanguage());
}
