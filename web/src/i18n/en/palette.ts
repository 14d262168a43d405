// The command palette.
const words = {
  title: "Go to, find or do",
  placeholder: "A page, a certificate, a serial number, something to do…",
  found: "What fits",
  count_one: "{{count}} fits. Arrow keys choose, Enter goes there.",
  count_other: "{{count}} fit. Arrow keys choose, Enter goes there.",
  none: "Nothing fits",
  searching: "Searching…",
  kinds: { place: "Pages", action: "Actions", certificate: "Certificates", ca: "CAs", profile: "Profiles" },
  ca: "Certificates of the CA {{name}}",
  profile: "Certificates by the profile {{name}}",
  language: { de: "Auf Deutsch umschalten", en: "Switch to English" },
  languageAlso: "language Sprache Deutsch English German Englisch",
  themeAlso: "theme colours",
  leaveAlso: "log out logout leave",
  help: "Help for this page",
};

export default words;
