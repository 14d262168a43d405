// Einstellungen.
import type en from "../en/settings";

const words: typeof en = {
  pageTitle: "Einstellungen",
  subtitle: "Was für Ihren Mandanten gilt, und wie die Appliance eingerichtet ist",
  loading: "Wird geladen …",
  tenant: "Ihr Mandant",
  name: "Name",
  title: "Titel",
  titleHelp: "Wie man ihn nennt",
  owner: "Verantwortlich",
  metadata: "Metadaten",
  metadataHelp: "Je Zeile: Schlüssel: Wert",
  metadataFault: "Jede Zeile besteht aus einem Schlüssel aus Buchstaben, Ziffern und _ . -, einem Doppelpunkt und einem Text",
  since: "Seit",
  save: "Speichern",
  saved: "Gespeichert",
  byHouse: "Das ändert eine Administratorin oder ein Administrator des Hauses.",
  defaults: "Vorgaben",
  defaultCa: "Standard-CA",
  defaultCaHelp: "Sie stellt aus, wenn ein Antrag keine CA nennt",
  noDefault: "keine",
  configuration: "Einrichtung der Appliance",
  configurationText: "So steht es in der siegel.conf, zum Ansehen. Geändert wird es auf der Maschine. Bei allem, was zu Geheimnissen führt, steht nur, ob es gesetzt ist.",
  houseAlone: "Sie wird nur Administratoren des Hauses gezeigt.",
  search: "Suchen",
  showChanged: "Nur Abweichungen vom Standard",
  showAll: "Alle zeigen",
  option: "Einstellung",
  value: "Wert",
  standard: "Standard",
  meaning: "Bedeutung",
  setHidden: "ist gesetzt",
  unset: "ist nicht gesetzt",
};

export default words;
