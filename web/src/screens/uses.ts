// What a certificate is good for, in words: key usages (RFC 5280 4.2.1.3) and purposes (ca/purpose.c), whose own names are for programs.
type Both = readonly [en: string, de: string];

export const USES: Readonly<Record<string, Both>> = {
  digitalSignature: ["digital signatures", "digitale Signaturen"],
  nonRepudiation: ["binding signatures", "verbindliche Signaturen"],
  keyEncipherment: ["encrypting keys", "Schlüssel verschlüsseln"],
  dataEncipherment: ["encrypting data", "Daten verschlüsseln"],
  keyAgreement: ["key agreement", "Schlüsselvereinbarung"],
  keyCertSign: ["signing certificates", "Zertifikate unterschreiben"],
  cRLSign: ["signing revocation lists", "Sperrlisten unterschreiben"],
  encipherOnly: ["encrypting alone", "nur verschlüsseln"],
  decipherOnly: ["decrypting alone", "nur entschlüsseln"],
  serverAuth: ["TLS server", "TLS-Server"],
  clientAuth: ["TLS client", "TLS-Client"],
  codeSigning: ["signing software", "Software signieren"],
  emailProtection: ["e-mail (S/MIME)", "E-Mail (S/MIME)"],
  timeStamping: ["time stamps", "Zeitstempel"],
  OCSPSigning: ["OCSP answers", "OCSP-Antworten"],
  eapOverPPP: ["EAP over PPP", "EAP über PPP"],
  eapOverLAN: ["network access (EAP over LAN)", "Netzzugang (EAP über LAN)"],
  ipsecIKE: ["VPN (IPsec IKE)", "VPN (IPsec IKE)"],
  secureShellClient: ["SSH client", "SSH-Client"],
  secureShellServer: ["SSH server", "SSH-Server"],
  cmcRA: ["registration authority (CMC)", "Registrierungsstelle (CMC)"],
  cmKGA: ["making keys for others (CMP)", "Schlüssel für andere erzeugen (CMP)"],
  bundleSecurity: ["Bundle Protocol security", "Sicherheit des Bundle Protocol"],
  documentSigning: ["signing documents", "Dokumente signieren"],
  pkinitClient: ["Kerberos sign-in (PKINIT)", "Kerberos-Anmeldung (PKINIT)"],
  pkinitKDC: ["Kerberos server (PKINIT)", "Kerberos-Server (PKINIT)"],
  smartcardLogon: ["smart card sign-in", "Anmeldung mit Smartcard"],
  msDocumentSigning: ["signing documents (Microsoft)", "Dokumente signieren (Microsoft)"],
};

/** Purposes first: they say the most. What has no word (an OID) is said as it is. */
export function usesOf(usages: readonly string[], purposes: readonly string[], language: string): string[] {
  return [...purposes, ...usages].map((one) => USES[one]?.[language === "de" ? 1 : 0] ?? one);
}
