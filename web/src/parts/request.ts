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

/** What DER is: a request (RFC 2986 4) and a certificate have a sequence in theirs that begins with a number or [0]; a private key (RFC 5958, RFC 8017,
 * RFC 5915) and PKCS#12 begin with their version, an encrypted key (RFC 5958 3) with its algorithm. */
function faultOfDer(octets: Uint8Array): Request["fault"] {
  const behind = (at: number) => at + 2 + ((octets[at + 1] ?? 0) & 0x80 ? (octets[at + 1] ?? 0) & 0x7f : 0);
  const inner = behind(0);
  if (octets[0] !== 0x30 || octets.length < 64) {
    return "unreadable";
  }
  return octets[inner] === 0x30 && [0x02, 0xa0].includes(octets[behind(inner)] ?? 0) ? null : "secret";
}

/** A file: text, or the same in DER, as Windows and many devices write it. */
export function requestOfFile(octets: Uint8Array): Request {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(octets);
    return text.includes("\0") ? { text: "", fault: "unreadable" } : requestOfText(text);
  } catch {
    const fault = faultOfDer(octets);
    if (fault) {
      return { text: "", fault };
    }
    const base64 = btoa(Array.from(octets, (octet) => String.fromCharCode(octet)).join(""));
    return { text: `-----BEGIN CERTIFICATE REQUEST-----\n${(base64.match(/.{1,64}/g) ?? []).join("\n")}\n-----END CERTIFICATE REQUEST-----\n`, fault: null };
  }
}
