import i18n from "i18next";
import { initReactI18next } from "react-i18next";
import { de } from "./de";
import { en } from "./en";

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

export function chooseLanguage(language: Language): void {
  try {
    localStorage.setItem(STORED, language);
  } catch {
    // without storage it holds for this page
  }
  void i18n.changeLanguage(language);
}

i18n.on("languageChanged", (language) => {
  document.documentElement.lang = language;
});

void i18n.use(initReactI18next).init({
  resources: { en: { translation: en }, de: { translation: de } },
  lng: firstLanguage(stored(), navigator.languages ?? []),
  fallbackLng: "en",
  interpolation: { escapeValue: false }, // React escapes
  returnNull: false,
});

export { i18n };
