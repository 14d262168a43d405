import i18n, { type BackendModule } from "i18next";
import { initReactI18next } from "react-i18next";
import type { Area } from "./words";

export const LANGUAGES = ["de", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

/** The one that was chosen, else the browser's first that we speak, else English. */
export function firstLanguage(stored: string | null, wished: readonly string[]): Language {
  for (const one of [stored ?? "", ...wished]) {
    const found = LANGUAGES.find((language) => one.toLowerCase().split("-")[0] === language);
    if (found) {
      return found;
    }
  }
  return "en";
}

const STORED = "siegel.language";

function stored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

// A change of the language that isn't done yet.
let changing: Promise<unknown> = Promise.resolve();

export function chooseLanguage(language: Language): void {
  try {
    localStorage.setItem(STORED, language);
  } catch {
    // without storage it holds for this page
  }
  changing = i18n.changeLanguage(language);
}

i18n.on("languageChanged", (language) => {
  document.documentElement.lang = language;
});

const files = import.meta.glob<{ default: object }>(["./en/*.ts", "./de/*.ts"]);

/** Fetches the words of one area in one language: nobody loads those of screens that he never opens, or of the other language. */
const backend: BackendModule = {
  type: "backend",
  init: () => undefined,
  read: async (language, area) => {
    const load = files[`./${language}/${area}.ts`];
    if (!load) {
      throw new Error(`there are no words of ${area} in ${language}`);
    }
    return (await load()).default as Record<string, string>;
  },
};

/** Resolves when the words that the page needs wherever one is are there. */
export function begin(areas: Area[]): Promise<unknown> {
  return i18n
    .use(backend)
    .use(initReactI18next)
    .init({
      lng: firstLanguage(stored(), navigator.languages ?? []),
      fallbackLng: false, // the types see to it that no word is missing
      ns: ["base", ...areas],
      defaultNS: "base",
      interpolation: { escapeValue: false }, // React escapes
      returnNull: false,
    });
}

/** Resolves when the words of these areas are there, in the language that is spoken then; those of any language chosen later come with its change. */
export async function bring(areas: Area[]): Promise<void> {
  await changing;
  await i18n.loadNamespaces(areas);
}

export { i18n };
