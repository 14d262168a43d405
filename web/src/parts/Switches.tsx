import { Button, ToggleGroup, ToggleGroupItem } from "@patternfly/react-core";
import MoonIcon from "@patternfly/react-icons/dist/esm/icons/moon-icon";
import SunIcon from "@patternfly/react-icons/dist/esm/icons/sun-icon";
import { useTranslation } from "react-i18next";
import { LANGUAGES, chooseLanguage } from "../i18n";
import { chooseView, useExpert } from "./view";
import { toggleTheme, useDark } from "../theme";

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

export function ThemeSwitch() {
  const { t } = useTranslation();
  const dark = useDark();
  const label = t("app.theme", { theme: t(dark ? "app.light" : "app.dark") });
  return <Button variant="plain" aria-label={label} title={label} icon={dark ? <SunIcon /> : <MoonIcon />} onClick={toggleTheme} />;
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
