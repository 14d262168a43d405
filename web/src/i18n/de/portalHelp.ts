import type en from "../en/portalHelp";

const words: typeof en = {
  close: "Hilfe schließen",
  first: "Was zu tun ist",
  terms: "Wörter",
  related: "Weiter zu",
  keys: "Tasten",
  keyList: "F1 oder ?: Diese Hilfe öffnen und schließen\nTab: Zum nächsten Feld oder Knopf\nEsc: Schließen, was über der Seite liegt",
  topics: {
    devices: {
      title: "Hilfe: Meine Geräte",
      what: "Hier stehen die Ausweise aller Geräte, um die Sie sich kümmern. Mit seinem Ausweis zeigt ein Gerät, wer es ist; ohne gültigen wird es abgewiesen.",
      first: "Sehen Sie nach, welche Ausweise bald enden.\nÖffnen Sie ein Gerät über seinen Namen, um seinen Ausweis abzuholen, zu erneuern oder einen Verlust zu melden.\nFür ein neues Gerät wählen Sie „Einen anfordern“.",
      terms: "Geräteausweis: eine Datei auf dem Gerät, die sagt, welches es ist.\nEndet bald: Es bleiben weniger als 30 Tage. Erneuern Sie ihn jetzt.\nGesperrt: Niemand kann diesen Ausweis mehr benutzen.",
    },
    device: {
      title: "Hilfe: Ein Gerät",
      what: "Alles über den Ausweis eines Geräts: bis wann er gilt und was Sie damit tun können.",
      first: "Sehen Sie unter „Der Ausweis“ nach, bis wann er gilt.\nErneuern Sie ihn rechtzeitig, holen Sie den neuen ab und bringen Sie ihn auf das Gerät.\nIst das Gerät weg, kaputt oder ersetzt, melden Sie das: Der Ausweis wird sofort gesperrt.",
      terms: "Geheimer Teil: gehört zum Ausweis und nur zu diesem Gerät. Wer ihn hat, kann sich für das Gerät ausgeben.\nAbholen: den Ausweis als Dateien bekommen, um sie auf das Gerät zu bringen.\nVerlust melden: den Ausweis für immer sperren.",
    },
    one: {
      title: "Hilfe: Einen anfordern",
      what: "Sie fordern den Ausweis für ein Gerät an. Oft ist er sofort da; manchmal muss erst jemand zustimmen.",
      first: "Schreiben Sie den Namen des Geräts so, wie er auf seinem Schild steht.\nWählen Sie, wofür der Ausweis ist, und denken Sie sich ein Passwort für die Datei aus.\nDrücken Sie „Anfordern“, holen Sie dann die Datei ab und bringen Sie sie auf das Gerät.",
      terms: "Passwort der Datei: Sie geben es auf dem Gerät noch einmal ein. Niemand kann es Ihnen später sagen.\nAntragsdatei: kommt von einem Gerät, das seinen geheimen Teil selbst erzeugt hat. Geben Sie sie hier ab.\nEinzelne Textdateien: für Geräte, die keine Datei mit Passwort nehmen. Verwahren Sie sie gut und löschen Sie sie danach.",
    },
    many: {
      title: "Hilfe: Viele anfordern",
      what: "Sie fordern Ausweise für eine ganze Liste von Geräten an, bis zu 5000 auf einmal.",
      first: "Wählen Sie die Liste, wie Excel sie speichert (CSV), oder fügen Sie sie ein: einen Namen je Zeile.\nSagen Sie, in welcher Spalte die Namen stehen, und lassen Sie die Liste prüfen.\nLassen Sie falsche Zeilen weg oder verbessern Sie sie in Ihrer Liste, und fordern Sie den Rest an.",
      terms: "CSV: eine Liste als Textdatei. In Excel: „Speichern unter“, dann CSV wählen.\nÜberschrift: die erste Zeile, wenn sie sagt, was in den Spalten steht.\nArchiv: eine Datei mit allen Ausweisen und einer Liste, welcher zu welchem Gerät gehört.",
    },
    asked: {
      title: "Hilfe: Was Sie angefordert haben",
      what: "Wie weit Ihre Anforderung ist, und die Dateien, sobald sie da sind. Sie können die Seite schließen: Die Arbeit geht weiter.",
      first: "Warten Sie, bis dort „Zum Abholen bereit“ steht.\nHolen Sie die Dateien ab und bringen Sie sie auf die Geräte.\nSehen Sie die Zeilen an, die fehlgeschlagen sind: Jede sagt, warum.",
      terms: "Jemand muss zustimmen: Ein Mensch sieht es sich zuerst an. Danach geht es von selbst weiter.\nZum Abholen bereit: Die Dateien liegen 14 Tage lang für Sie bereit.\nFehlgeschlagen: Für diese Zeile gibt es keinen Ausweis. Sie können ihn noch einmal anfordern.",
    },
    waiting: {
      title: "Hilfe: Was wartet",
      what: "Was von Ihnen auf eine Zustimmung wartet, was entschieden wurde, und alles, was Sie angefordert haben.",
      first: "Sehen Sie nach, auf wen es wartet, und fragen Sie dort, wenn es eilt.\nZiehen Sie zurück, was Sie nicht mehr brauchen.\nÖffnen Sie eine Anforderung, um ihre Dateien abzuholen.",
      terms: "Zustimmung: Bevor manche Ausweise entstehen, muss jemand anderes Ja sagen.\nZurückziehen: Ihre Anforderung endet, und niemand muss sie mehr ansehen.\nEntschieden: Jemand hat Ja oder Nein gesagt. Was dazu gesagt wurde, steht dabei.",
    },
    account: {
      title: "Hilfe: Mein Konto",
      what: "Wie Sie sich anmelden und wo Sie gerade angemeldet sind.",
      first: "Beenden Sie Anmeldungen, die Sie nicht kennen, und ändern Sie dann Ihr Passwort.\nRichten Sie den zweiten Schritt neu ein, wenn Sie ein anderes Telefon bekommen.\nBewahren Sie die Codes für den Notfall getrennt vom Telefon auf.",
      terms: "Zweiter Schritt: sechs Ziffern aus einer App auf Ihrem Telefon. Ein gestohlenes Passwort allein öffnet nichts.\nCodes für den Notfall: Jeder lässt Sie einmal ohne Telefon hinein.\nRolle: was Ihr Konto darf.",
    },
  },
};

export default words;
