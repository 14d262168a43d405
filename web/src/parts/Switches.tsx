import { Button, ToggleGroup, ToggleGroupItem } from "@patternfly/react-core";
import MoonIcon from "@patternfly/react-icons/dist/esm/icons/moon-icon";
import SunIcon from "@patternfly/react-icons/dist/esm/icons/sun-icon";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { LANGUAGES, chooseLanguage } from "../i18n";
import { chooseView, useExpert } from "./view";

const NAMES = { de: "Deutsch", en: "English" };

export function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  return (
    <ToggleGroup aria-label={t("app.language")} isCompact>
      {LANGUAGES.map((language) => (
        <ToggleGroupItem
          key={language}
          text={language.toUpperCase()}
          aria-label={NAMES[language]}
          buttonId={`language-${language}`}
          isSelected={i18n.language === language}
          onChange={() => chooseLanguage(language)}
        />
      ))}
    </ToggleGroup>
  );
}

const DARK = "pf-v6-theme-dark";

export function ThemeSwitch() {
  const { t } = useTranslation();
  const [dark, setDark] = useState(document.documentElement.classList.contains(DARK));
  const change = () => {
    document.documentElement.classList.toggle(DARK, !dark);
    try {
      localStorage.setItem("siegel.theme", dark ? "light" : "dark");
    } catch {
      // without storage it holds for this page
    }
    setDark(!dark);
  };
  const label = t("app.theme", { theme: t(dark ? "app.light" : "app.dark") });
  return <Button variant="plain" aria-label={label} title={label} icon={dark ? <SunIcon /> : <MoonIcon />} onClick={change} />;
}

export function ViewSwitch() {
  const { t } = useTranslation();
  const expert = useExpert();
  return (
    <ToggleGroup aria-label={t("nav.view.label")} isCompact className="siegel-view">
      {(["standard", "expert"] as const).map((view) => (
        <ToggleGroupItem
          key={view}
          text={t(`nav.view.${view}`)}
          buttonId={`view-${view}`}
          isSelected={expert === (view === "expert")}
          onChange={() => chooseView(view)}
        />
      ))}
    </ToggleGroup>
  );
}
