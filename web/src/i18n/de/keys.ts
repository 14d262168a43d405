// Schlüsselspeicher.
import type en from "../en/keys";

const words: typeof en = {
  title: "Schlüssel und Token",
  subtitle: "Wo die Schlüssel Ihrer CAs liegen, und ob sie sich benutzen lassen",
  loading: "Wird geladen …",
  files: "Verschlüsselte Dateien",
  works: "Funktioniert",
  fails: "Funktioniert nicht",
  absent: "Ist nicht da",
  why: "Warum es nicht geht",
  kind: "Art",
  token: "Token oder HSM (PKCS#11)",
  encrypted: "Dateien, verschlüsselt mit einem Hauptschlüssel",
  default: "Nimmt Schlüssel, wenn kein Ort genannt ist",
  yes: "Ja",
  no: "Nein",
  maker: "Hersteller",
  serial: "Seriennummer",
  cas: "CAs mit ihrem Schlüssel hier",
  types_one: "{{count}} Schlüsselart, die es erzeugt",
  types_other: "{{count}} Schlüsselarten, die es erzeugt",
  rotate: "Neuer Siegelschlüssel",
  rotateTitle: "Neuen Siegelschlüssel in {{name}} erzeugen?",
  rotateText: "Geheimnisse werden ab jetzt unter einem neuen Schlüssel des Tokens versiegelt. Die älteren bleiben, um früher Versiegeltes zu öffnen. Sichern Sie das Token danach.",
  rotated: "Es gibt einen neuen Siegelschlüssel. Sichern Sie jetzt das Token",
};

export default words;
