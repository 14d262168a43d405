import type en from "../en/palette";

const words: typeof en = {
  title: "Öffnen, finden, ausführen",
  placeholder: "Seite, Zertifikat, Seriennummer oder Aktion …",
  found: "Treffer",
  count_one: "{{count}} Treffer. Auswahl mit den Pfeiltasten, öffnen mit Enter.",
  count_other: "{{count}} Treffer. Auswahl mit den Pfeiltasten, öffnen mit Enter.",
  none: "Kein Treffer",
  searching: "Suche läuft …",
  kinds: { place: "Seiten", action: "Aktionen", certificate: "Zertifikate", ca: "CAs", profile: "Profile" },
  ca: "Zertifikate der CA {{name}}",
  profile: "Zertifikate nach dem Profil {{name}}",
  language: { de: "Auf Deutsch umschalten", en: "Switch to English" },
  languageAlso: "Sprache language Deutsch Englisch English German",
  themeAlso: "Farben Darstellung Design",
  leaveAlso: "ausloggen logout verlassen",
  help: "Hilfe zu dieser Seite",
};

export default words;
