import i18next from "i18next";
import type en from "./en.json";
import type agentWords from "./agents/en.json";
import type modelWords from "./models/en.json";
import type moreWords from "./more/en.json";
import type workWords from "./work/en.json";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: typeof en & typeof moreWords & typeof agentWords & typeof modelWords & typeof workWords };
  }
}

export const LANGUAGES = [
  { tag: "en", name: "English" },
  { tag: "de", name: "Deutsch" },
  { tag: "cs", name: "Čeština" },
] as const;

export type LanguageTag = (typeof LANGUAGES)[number]["tag"];

type Catalogues = Record<LanguageTag, () => Promise<{ default: object }>>;

/** Each language is a chunk of its own. */
const CATALOGUES: Catalogues = {
  en: () => import("./en.json"),
  de: () => import("./de.json"),
  cs: () => import("./cs.json"),
};

/** What only some pages say, part by part. */
const PARTS = {
  /** The pages beside signing in and asking. */
  more: {
    en: () => import("./more/en.json"),
    de: () => import("./more/de.json"),
    cs: () => import("./more/cs.json"),
  },
  /** Specialists, reasoning and the playground. */
  agents: {
    en: () => import("./agents/en.json"),
    de: () => import("./agents/de.json"),
    cs: () => import("./agents/cs.json"),
  },
  /** Workflows, plans and memories. */
  work: {
    en: () => import("./work/en.json"),
    de: () => import("./work/de.json"),
    cs: () => import("./work/cs.json"),
  },
  /** Models, tiers and budgets. */
  models: {
    en: () => import("./models/en.json"),
    de: () => import("./models/de.json"),
    cs: () => import("./models/cs.json"),
  },
} satisfies Record<string, Catalogues>;

type Part = keyof typeof PARTS;

/** The first try to learn a part, once a page needed it. */
const learned = new Map<Part, Promise<void>>();

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

async function learn(from: Catalogues, tag: LanguageTag): Promise<void> {
  const catalogue = await from[tag]();
  i18next.addResourceBundle(tag, "translation", catalogue.default, true);
}

async function learnPart(part: Part): Promise<void> {
  try {
    await learn(PARTS[part], knownLanguage(i18next.language) ?? "en");
  } catch (error) {
    learned.delete(part);
    throw error;
  }
}

function known(part: Part): Promise<void> {
  const before = learned.get(part);
  if (before) return before;
  const now = learnPart(part);
  learned.set(part, now);
  return now;
}

/** Loads a page together with the words that it says beside those of the first load. */
export const withWords =
  <P>(parts: Part[], load: () => Promise<P>): (() => Promise<P>) =>
  async () => {
    const [page] = await Promise.all([load(), ...parts.map(known)]);
    return page;
  };

/** Loads a page with the words of most pages. */
export const withMoreWords = <P>(load: () => Promise<P>): (() => Promise<P>) => withWords(["more"], load);

/** Speaks `tag` from now on. */
export async function speak(tag: LanguageTag, remember = false): Promise<void> {
  if (remember) localStorage.setItem(STORED, tag);
  if (!i18next.hasResourceBundle(tag, "translation")) await learn(CATALOGUES, tag);
  await Promise.all([...learned.keys()].map((part) => learn(PARTS[part], tag)));
  await i18next.changeLanguage(tag);
  document.documentElement.lang = tag;
}

export async function startLanguages(): Promise<void> {
  await i18next.init({
    lng: "none",
    fallbackLng: false,
    resources: {},
    interpolation: { escapeValue: false },
    returnNull: false,
    showSupportNotice: false,
  });
  await speak(preferredLanguage());
}
