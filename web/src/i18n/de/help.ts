import type en from "../en/help";

const words: typeof en = {
  close: "Hilfe schließen",
  first: "Was Sie zuerst tun",
  terms: "Begriffe",
  related: "Weiter zu",
  keys: "Tasten",
  keyList: "F1 oder ?: Diese Hilfe öffnen und schließen\nStrg K: Mit wenigen Buchstaben etwas öffnen, finden oder ausführen\nTab: Zum nächsten Feld oder Knopf\nEsc: Schließen, was über der Seite liegt",
  topics: {
    dashboard: {
      title: "Hilfe: Übersicht",
      what: "Zeigt, was gilt, was bald endet, was abgelehnt wurde und ob es Siegel selbst gut geht. Jede Zahl mit Link führt zu den Zertifikaten dahinter.",
      first: "Sehen Sie unten nach dem Systemzustand: Was nicht stimmt, steht dort mit dem, was zu tun ist.\nFolgen Sie „Enden in 7 Tagen“ und erneuern Sie, was noch gebraucht wird.\nSehen Sie nach, warum Anfragen abgelehnt wurden: Ein Gerät, das falsch fragt, fragt immer weiter.",
      terms: "Gültig: ausgestellt, nicht abgelaufen, nicht gesperrt.\nVorläufig gesperrt: Die Sperre lässt sich zurücknehmen.\nAbgelehnt: eine Anfrage, auf die Siegel mit Nein geantwortet hat, etwa weil sie dem Profil widerspricht. Die Zahl ist auf einige Sekunden genau.\nSperrliste (CRL): was Siegel veröffentlicht, damit andere wissen, welche Zertifikate nicht mehr gelten.",
    },
    issue: {
      title: "Hilfe: Zertifikat ausstellen",
      what: "Ein Formular ergibt ein Zertifikat. Was Sie frei lassen, entscheidet das Profil.",
      first: "Wählen Sie, ob Sie den Schlüssel haben (dann gibt es einen Antrag) oder Siegel ihn erzeugen soll.\nWählen Sie den Zweck: Webserver, Gerät, Person.\nSchreiben Sie den Namen hin, unter dem er erreichbar ist, und drücken Sie „Ausstellen“.\nBewahren Sie den privaten Schlüssel auf, wenn Siegel ihn erzeugt hat: Er wird nur dieses eine Mal gezeigt.",
      terms: "Antrag (CSR): ein Text, den das Gerät mit dem Schlüssel erzeugt. Er enthält den öffentlichen Schlüssel und den Namen, niemals den privaten Schlüssel.\nProfil: die Regeln für einen Zweck: wie lange, welche Schlüssel, welche Namen.\nPEM: Zertifikat und Schlüssel als Text, für Server.\nPKCS#12: Zertifikat, Kette und Schlüssel in einer Datei mit Passwort, für Windows und Telefone.",
    },
    certificates: {
      title: "Hilfe: Zertifikate",
      what: "Alles, was ausgestellt oder importiert wurde, gleich wie viel. Suche und Filter stehen in der Adresse: Sie können sie als Lesezeichen behalten oder weitergeben.",
      first: "Wählen Sie, worin gesucht wird, tippen Sie einen Teil davon und drücken Sie Enter.\nGrenzen Sie nach Zustand ein, oder sortieren Sie nach einer Spalte.\nÖffnen Sie eines über seinen Namen, um seine Kette zu sehen, es zu erneuern oder zu sperren.",
      terms: "Seriennummer: die Nummer, unter der ein Zertifikat gesperrt und in Logs gefunden wird. Doppelpunkte spielen keine Rolle.\nAlternativer Name: jeder Name, für den ein Zertifikat neben dem Hauptnamen gilt.\nMetadaten: was Ihr Haus dazu notiert, etwa einen Standort. Sie stehen nicht im Zertifikat selbst.",
    },
    certificate: {
      title: "Hilfe: Ein Zertifikat",
      what: "Alles zu einem Zertifikat: was darin steht, wer es ausgestellt hat, was damit geschehen ist.",
      first: "Sehen Sie unter „Überblick“, wie lange es gilt und wer sich darum kümmert.\nHolen Sie es oder seine Kette unter „PEM“.\nSperren Sie es, wenn sein Schlüssel in fremde Hände geraten oder sein Gerät außer Betrieb ist.",
      terms: "Kette: die Zertifikate von der Wurzel, der die Geräte vertrauen, bis zu diesem.\nSperren: für immer sagen, dass es nicht mehr gilt.\nVorläufig sperren: dasselbe auf Zeit.\nFingerabdruck: eine kurze Zahl, die nur dieses Zertifikat hat, zum Vergleichen mit dem Auge.",
    },
    account: {
      title: "Hilfe: Ihr Konto",
      what: "Wie Sie sich anmelden, wo Sie angemeldet sind und was Sie dürfen.",
      first: "Beenden Sie Sitzungen, die Sie nicht kennen, und ändern Sie dann Ihr Passwort.\nRichten Sie den zweiten Faktor neu ein, wenn Sie ein anderes Telefon bekommen.\nBewahren Sie Wiederherstellungscodes getrennt vom Telefon auf.",
      terms: "Zweiter Faktor: sechs Ziffern aus einer App. Ein gestohlenes Passwort allein öffnet Ihr Konto nicht.\nWiederherstellungscode: lässt Sie einmal ohne Telefon hinein.\nRolle: die Rechte, die Ihr Konto hat.",
    },
    hierarchy: {
      title: "Hilfe: Hierarchie",
      what: "Ihre CAs, von der Wurzel abwärts. Eine CA signiert Zertifikate; die Wurzel signiert CAs, und ihr vertrauen die Geräte.",
      first: "Legen Sie eine Wurzel-CA an, lange gültig, und nutzen Sie sie nur, um CAs zu signieren.\nLegen Sie darunter eine ausstellende CA für die tägliche Arbeit an.\nGeben Sie das Zertifikat der Wurzel den Geräten, die ihr vertrauen sollen.\nPlanen Sie einen neuen CA-Schlüssel, lange bevor der jetzige endet.",
      terms: "Wurzel-CA: die Spitze. Ihr Zertifikat hat sie selbst signiert.\nAusstellende CA: signiert die Zertifikate von Servern, Geräten und Personen.\nSchlüsselwechsel: Eine CA bekommt unter gleichem Namen einen neuen Schlüssel. Der alte dient weiter dem, was er ausgestellt hat.\nKreuzzertifikat: das Zertifikat einer CA, das eine andere CA signiert hat, damit beiden vertraut wird.\nOffline: Der Schlüssel der CA ist nicht hier; Anträge werden anderswo signiert.",
    },
    keyStores: {
      title: "Hilfe: Schlüssel und Token",
      what: "Hier liegen die privaten Schlüssel der CAs: in Token, HSMs oder verschlüsselten Dateien. Sie verlassen sie nie.",
      first: "Sehen Sie nach, ob jeder Speicher nutzbar ist.\nIst einer es nicht: Prüfen Sie, ob das Gerät angeschlossen ist und die PIN stimmt. Siegel nimmt ihn von selbst wieder in Betrieb.",
      terms: "HSM: ein Gerät, das Schlüssel erzeugt und benutzt und nie herausgibt.\nToken: dasselbe in klein; auch ein Teil eines HSM.\nPIN: öffnet das Token. Sie steht in einer Datei auf dem System, nie hier.\nPKCS#11: die Schnittstelle, über die Siegel mit solchen Geräten spricht.",
    },
    profiles: {
      title: "Hilfe: Profile",
      what: "Ein Profil sagt, wie Zertifikate für einen Zweck aussehen: wie lange, welche Schlüssel, welche Namen.",
      first: "Beginnen Sie mit einer Vorlage, die Siegel mitbringt.\nÄndern Sie so wenig wie möglich: Tage, erlaubte Namen. Das Formular sagt, wer was bestimmt; der Text daneben ist dasselbe.\nSehen Sie dabei auf die Probe: Sie sagt sofort, was daraus würde.\nStellen Sie danach ein Zertifikat aus und sehen Sie sich das Ergebnis an.",
      terms: "Vorlage: ein Profil, das Siegel mitbringt, etwa für TLS-Server.\nSchlüsselverwendung: was der Schlüssel darf, etwa signieren oder verschlüsseln.\nErweiterte Schlüsselverwendung: wofür er das darf, etwa als TLS-Server.\nKürzen: Wer zu lange verlangt, bekommt so lange wie erlaubt, statt abgelehnt zu werden.",
    },
    policies: {
      title: "Hilfe: Richtlinien",
      what: "Regeln über den Profilen: wer was anfordern darf, was abgelehnt wird und was andere freigeben müssen.",
      first: "Fügen Sie eine Regel aus der Liste hinzu und ändern Sie ihre Werte. Jede Zeile vergleicht eines mit einem Wert.\nBei Werten, die Regeln setzen, zählt die Reihenfolge: Ändern Sie sie mit den Pfeilen.\nProbieren Sie es an einer Beispielanfrage aus, bevor Sie es einschalten.\nBeginnen Sie mit „freigeben lassen“ statt „ablehnen“, wenn Sie nicht sicher sind.",
      terms: "Bedingung: wann eine Regel gilt, etwa für ein Profil oder eine Rolle.\nVorgabe: setzt, was eine Anfrage offen lässt.\nForderung: lehnt ab, was nicht so ist.\nVier Augen: Jemand anderes als der Antragsteller muss freigeben.",
    },
    enrollment: {
      title: "Hilfe: Geräteanmeldung",
      what: "Zugänge, über die sich Geräte selbst Zertifikate holen: EST, SCEP und ACME. Jeder hat seine CA, sein Profil und das, was als Nachweis gilt.",
      first: "Wählen Sie das Verfahren, das Ihre Geräte beherrschen.\nLegen Sie dafür einen Zugang an, mit Profil und Nachweis: Einmalcode, Passwort oder Zertifikat.\nKopieren Sie die Zeile für den Client und probieren Sie sie an einem Gerät aus.",
      terms: "EST: für Geräte über HTTPS; erneuert von selbst.\nSCEP: für Router, Drucker und ältere Geräte.\nACME: für Webserver; weist selbst nach, dass der Name ihnen gehört.\nEinmalcode: öffnet einen Zugang einmal, für ein Gerät.\nChallenge: bei SCEP ein Geheimnis, das Geräte vorzeigen; bei ACME die Aufgabe, mit der ein Name nachgewiesen wird.",
    },
    approvals: {
      title: "Hilfe: Genehmigungen",
      what: "Was auf Menschen wartet: Anfragen, die nach einer Richtlinie andere ansehen sollen.",
      first: "Öffnen Sie eine Anfrage und lesen Sie, worauf sie hinausläuft.\nGeben Sie sie frei, oder lehnen Sie sie mit Begründung ab.\nNiemand genehmigt, was er selbst angefordert hat.",
      terms: "n von m: wie viele freigeben müssen. Eine Ablehnung beendet es.\nAntragsteller: wer es angefordert hat.\nAbgelaufen: Niemand hat rechtzeitig entschieden. Es kann erneut angefordert werden.",
    },
    imports: {
      title: "Hilfe: Importe",
      what: "Übernimmt, was andere Systeme ausgestellt haben: Zertifikate, CAs mit ihren Schlüsseln, Sperrlisten.",
      first: "Wählen Sie die Dateien. Mehrere gehören in einen Import.\nWarten Sie den Probelauf ab und lesen Sie, was geschehen würde.\nFühren Sie ihn dann aus. Was schon da ist, bleibt, wie es ist.",
      terms: "Probelauf: Alles wird angesehen und nichts geändert.\nFremde CA: eine CA von jemand anderem. Ihre Zertifikate stehen in der Liste und sind für nichts ein Nachweis.\nPKCS#12: eine Datei mit Zertifikaten und Schlüssel, die ihr Passwort öffnet.",
    },
    jobs: {
      title: "Hilfe: Aufträge",
      what: "Arbeit, die länger dauert: Importe, Sperrungen von vielen. Sie geht weiter, wenn Sie den Browser schließen, und auch nach einem Neustart.",
      first: "Sehen Sie, wie weit ein Auftrag ist.\nÖffnen Sie ihn, um zu sehen, was fehlschlug und warum.\nBrechen Sie ihn ab, wenn er ein Irrtum war: Was getan ist, bleibt getan.",
      terms: "Wartend: ist noch nicht an der Reihe.\nFehlgeschlagene Einträge: Die anderen wurden trotzdem erledigt.\nAbgebrochen: Kein weiterer Eintrag wird angefasst.",
    },
    secrets: {
      title: "Hilfe: Geheimnisse",
      what: "Schlüssel und Passwörter, die an Geräte ausgegeben werden, versiegelt vom Schlüsselspeicher. Jedes hat Versionen.",
      first: "Legen Sie eines an, oder importieren Sie, was Sie haben.\nLegen Sie fest, wer es abholen darf.\nErzeugen Sie eine neue Version, wenn es bekannt geworden sein könnte.",
      terms: "Version: Die neueste wird ausgegeben; ältere bleiben für das, was damit verschlüsselt wurde.\nVersiegelt: verschlüsselt unter einem Schlüssel, der den Schlüsselspeicher nie verlässt.\nAbholen: es ausgehändigt bekommen. Jedes Mal steht im Prüfprotokoll.",
    },
    audit: {
      title: "Hilfe: Prüfprotokoll",
      what: "Wer was wann getan hat. Nichts darin lässt sich unbemerkt ändern.",
      first: "Filtern Sie nach Konto, Aktion oder Zeit.\nVerfolgen Sie ein Zertifikat über seine Nummer durch sein Leben.\nLassen Sie das Prüfprotokoll von Zeit zu Zeit prüfen.",
      terms: "Kette: Jeder Eintrag trägt eine Prüfsumme des vorigen, sodass keiner fehlen kann.\nSiegel: die Enden aller Ketten, signiert mit einem Schlüssel, der nichts anderes tut.\nAnker: dieselben Enden, außerhalb der Datenbank aufgeschrieben.",
    },
    settings: {
      title: "Hilfe: Einstellungen",
      what: "Was für die ganze Installation gilt. Manches steht in siegel.conf auf dem System und wird hier nur gezeigt.",
      first: "Sehen Sie nach, was von der Vorgabe abweicht.\nÄndern Sie immer nur eines, und sehen Sie danach in die Übersicht.",
      terms: "siegel.conf: die Datei mit den Einstellungen der Prozesse, gelesen bei ihrem Start.\nAdresse nach außen: der Name, unter dem Clients Siegel erreichen. Er steht in Zertifikaten und lässt sich dort nicht mehr ändern.",
    },
    tenants: {
      title: "Hilfe: Mandanten",
      what: "Ein Mandant ist ein eigenes Haus in einer Installation: mit eigenen CAs, Konten und Zertifikaten. Keiner sieht die eines anderen.",
      first: "Legen Sie den Mandanten zusammen mit der Person an, die sich um ihn kümmert.\nGeben Sie dieser Person den Einmalcode für die erste Anmeldung.",
      terms: "Das Haus: der erste Mandant. Seine Administratoren legen die anderen an und kümmern sich um das System.\nDeaktiviert: Niemand aus dem Mandanten kommt hinein; was er ausgestellt hat, gilt weiter.",
    },
    accounts: {
      title: "Hilfe: Konten",
      what: "Menschen und Programme, die von Siegel etwas anfordern dürfen. Jedes Konto hat eine Rolle.",
      first: "Legen Sie das Konto mit der kleinsten Rolle an, die reicht.\nErzeugen Sie einen Einmalcode, und übergeben Sie ihn persönlich oder am Telefon.\nSchalten Sie Konten ab, die niemand braucht: Das Prüfprotokoll behält ihren Namen.",
      terms: "Rolle: was das Konto darf.\nEinmalcode: für die erste Anmeldung. Er gilt einmal.\nVerantwortlich: wer für das Konto eines Programms geradesteht.",
    },
    roles: {
      title: "Hilfe: Rollen",
      what: "Eine Rolle ist eine Menge von Rechten mit einem Namen. Sechs bringt Siegel mit; Sie können eigene anlegen.",
      first: "Sehen Sie nach, ob eine fertige Rolle passt.\nSonst legen Sie eine mit genau den Rechten an, die gebraucht werden.",
      terms: "Recht: eine Sache, die man darf, etwa Zertifikate sperren.\nFertige Rolle: kommt mit Siegel und lässt sich nicht ändern.\nAuditor: sieht alles samt Prüfprotokoll und ändert nichts.",
    },
    credentials: {
      title: "Hilfe: Zugänge",
      what: "Womit Konten nachweisen, wer sie sind: Token für Programme, Einmalcodes, Zertifikate.",
      first: "Erzeugen Sie für jedes Programm ein eigenes Token, mit Ablaufdatum.\nKopieren Sie es sofort: Es wird nur dieses eine Mal gezeigt.\nWiderrufen Sie es, wenn es das Programm nicht mehr gibt.",
      terms: "Token: ein langes Geheimnis, das ein Programm mit jeder Anfrage schickt.\nGebundenes Zertifikat: ein Client-Zertifikat, das für das Konto steht.",
    },
    sessions: {
      title: "Hilfe: Sitzungen",
      what: "Wer gerade mit einem Browser angemeldet ist, von wo und bis wann.",
      first: "Beenden Sie, was Sie nicht kennen.\nÄndern Sie dann das Passwort dieses Kontos.",
      terms: "Sitzung: die Zeit zwischen An- und Abmelden. Nach 30 Minuten ohne Nutzung endet sie von selbst.",
    },
    resources: {
      title: "Hilfe: Liste",
      what: "Eine Liste von allem einer Art, das Siegel führt, mit einem Formular zum Anlegen und Ändern, wo Sie das dürfen.",
      first: "Filtern Sie nach einer Spalte, um etwas zu finden.\nÖffnen Sie es, um es anzusehen und zu ändern.\nWas Sie nicht ändern dürfen, hat keinen Knopf dafür.",
      terms: "Version: zählt die Änderungen. Wer eine alte ändert, erfährt es, und nichts geht verloren.\nMetadaten: freie Schlüssel mit Texten, für das, was Ihr Haus notieren will.",
    },
  },
};

export default words;
