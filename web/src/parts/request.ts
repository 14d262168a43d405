// What somebody chooses or pastes as a signing request, before it goes anywhere.

export interface Request {
  text: string;
  fault: "unreadable" | "secret" | null;
}

const BLOCK = /-----BEGIN (NEW )?CERTIFICATE REQUEST-----[\s\S]*?-----END (NEW )?CERTIFICATE REQUEST-----/;

/** A text as it is, but a private key isn't sent to anybody: beside a request it is left out, alone it is none. */
export function requestOfText(text: string): Request {
  if (!text.includes("PRIVATE KEY-----")) {
    return { text, fault: null };
  }
  const block = BLOCK.exec(text);
  return block ? { text: `${block[0]}\n`, fault: null } : { text: "", fault: "secret" };
}

/** A file: text, or the same in DER, as Windows and many devices write it. */
export function requestOfFile(octets: Uint8Array): Request {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(octets);
    return text.includes("\0") ? { text: "", fault: "unreadable" } : requestOfText(text);
  } catch {
    if (octets[0] !== 0x30 || octets.length < 64) {
      return { text: "", fault: "unreadable" };
    }
    const base64 = btoa(Array.from(octets, (octet) => String.fromCharCode(octet)).join(""));
    return { text: `-----BEGIN CERTIFICATE REQUEST-----\n${(base64.match(/.{1,64}/g) ?? []).join("\n")}\n-----END CERTIFICATE REQUEST-----\n`, fault: null };
  }
}
