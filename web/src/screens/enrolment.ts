// The doors by which devices enrol, from a short form to what REST wants. Plain functions, tested without a browser.
import { type Item, related, text } from "../api/rest";

export type Door = "est_labels" | "scep_profiles" | "acme_directories";

/** What a door can want as evidence, the usual first. */
export const EVIDENCE = {
  est_labels: ["code", "password", "certificate"],
  scep_profiles: ["code", "challenge", "certificate"],
  acme_directories: ["http-01", "dns-01", "tls-alpn-01"],
} as const;
export type Evidence = (typeof EVIDENCE)[Door][number];

/** Profiles by which clients may ask: those of the house and of CAs aren't. */
export function usableProfiles(profiles: readonly Item[]): Item[] {
  return profiles.filter((p) => {
    const definition = (p.attributes.definition ?? {}) as { internal?: boolean; ca?: boolean; disabled?: boolean };
    return !definition.internal && !definition.ca && !definition.disabled;
  });
}

export function attributesOfDoor(door: Door, w: { name: string; ca: string; profile: string; chosen: readonly string[] }): Record<string, unknown> {
  return {
    name: w.name.trim(),
    profile: w.profile,
    ...(w.ca ? { ca: w.ca } : {}),
    [door === "acme_directories" ? "challenges" : "auth"]: [...w.chosen],
  };
}

export function attributesOfCode(w: { door: Item | undefined; cn: string; hours: string; count: string }): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  if (w.door) {
    all[w.door.type === "est_labels" ? "est_label" : "scep_profile"] = text(w.door, "name");
  }
  if (w.cn.trim()) {
    all.common_name = w.cn.trim();
  }
  if (Number(w.hours) > 0) {
    all.hours = Math.floor(Number(w.hours));
  }
  if (Number(w.count) > 1) {
    all.count = Math.floor(Number(w.count));
  }
  return all;
}

/** Whether accounts at a directory are made with an external account key. */
export function externalOf(directory: Item): "off" | "optional" | "required" {
  const word = ((directory.attributes.settings ?? {}) as { external_account?: unknown }).external_account;
  return word === "optional" || word === "required" ? word : "off";
}

export function attributesOfKey(w: { directory: Item; names: string; accounts: string; days: string }): Record<string, unknown> {
  const names = w.names.split(/\s+/).filter((one) => one !== "");
  return {
    directory: text(w.directory, "name"),
    hours: Number(w.days) > 0 ? Math.round(Number(w.days) * 24) : null,
    ...(Number(w.accounts) > 1 ? { max_accounts: Math.floor(Number(w.accounts)) } : {}),
    ...(names.length > 0 ? { names } : {}),
  };
}

/** A key that was just made: its lines with the key in the place of $KEY. It is base64url, so that no shell finds anything in it. */
export function withKey(made: Item): Item {
  const key = text(made, "key");
  const commands = Object.entries((made.attributes.commands ?? {}) as Record<string, unknown>);
  const put = (line: unknown) => (typeof line === "string" && /^[A-Za-z0-9_-]+$/.test(key) ? line.replaceAll('"$KEY"', key) : line);
  return { ...made, attributes: { ...made.attributes, commands: Object.fromEntries(commands.filter(([name]) => name !== "curl").map(([name, line]) => [name, put(line)])) } };
}

/** The ready lines by program, and in the order in which they are needed; those that the door doesn't take are null and left out. */
export function commandsOf(commands: unknown): { name: string; line: string }[] {
  if (typeof commands !== "object" || commands === null) {
    return [];
  }
  const rank = (name: string) => (/_(cacerts|ca)$/.test(name) ? 0 : /_enroll$/.test(name) ? 1 : 2);
  return Object.entries(commands)
    .flatMap(([name, line]) => (typeof line === "string" && line !== "" ? [{ name, line }] : []))
    .sort((a, b) => a.name.split("_")[0]?.localeCompare(b.name.split("_")[0] ?? "") || rank(a.name) - rank(b.name));
}

/** A code that was just made: its lines with the code in the place of what stands for it. In front of a code any name will do. */
export function withCode(made: Item): Item {
  const secret = text(made, "secret");
  const put = (line: unknown) => (typeof line === "string" && /^[A-Za-z0-9]+$/.test(secret) ? line.replaceAll("NAME:SECRET", `code:${secret}`).replaceAll("CHALLENGE", secret) : line);
  const commands = Object.entries((made.attributes.commands ?? {}) as Record<string, unknown>);
  return { ...made, attributes: { ...made.attributes, commands: Object.fromEntries(commands.map(([name, line]) => [name, put(line)])) } };
}

// A key alone is named by lines that make the request themselves (SCEP); certmonger makes its key too.
const NEEDS = {
  root: /\broot\.pem\b/, csr: /\bdevice\.csr\b/, key: /--in device\.key\b/, next: /\bnext\.csr\b/, nextKey: /--in next\.key\b/, secret: /\bNAME:SECRET\b/,
  challenge: /\bCHALLENGE\b/, host: /\bhost\.example\b/,
} as const;
export type Need = keyof typeof NEEDS;

/** What lines name and nobody has yet: files, a secret, a name. */
export function needsOf(commands: readonly { line: string }[]): Need[] {
  return (Object.keys(NEEDS) as Need[]).filter((need) => commands.some((c) => NEEDS[need].test(c.line)));
}

/** The roots of the tenant: one of them is over the server's own certificate, unless that came from elsewhere. */
export function rootsOf(cas: readonly Item[]): Item[] {
  return cas.filter((ca) => !related(ca, "parent") && ca.attributes.external !== true && text(ca, "pem") !== "" && ["active", "offline", "disabled"].includes(text(ca, "status")));
}

/** The name in the line that makes a request: the one that a code is bound to, when no shell and no subject finds anything in it. */
export function nameOfDevice(bound: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(bound) ? bound : "device-1";
}

const CURVES = { p256: "P-256", p384: "P-384", p521: "P-521", brainpoolp256r1: "brainpoolP256r1", brainpoolp384r1: "brainpoolP384r1", brainpoolp512r1: "brainpoolP512r1" } as const;

/** A key type of a profile, or the least of a range, as openssl's command line says it; null for what not every openssl knows. */
function algorithmOf(type: string): string | null {
  const [, rsa] = /^rsa(?:>=)?(\d+)$/.exec(type) ?? [];
  const curve = /^ec>=(\d+)$/.test(type) ? `p${type.slice(4)}` : type;
  if (rsa) {
    return `rsa -pkeyopt rsa_keygen_bits:${rsa}`;
  }
  if (Object.hasOwn(CURVES, curve)) {
    return `ec -pkeyopt ec_paramgen_curve:${CURVES[curve as keyof typeof CURVES]}`;
  }
  return type === "ed25519" || type === "ed448" ? type : null;
}

/** What kind of key the lines make: the first that the profile takes. Over SCEP it is RSA if that may be, to which the answer can be encrypted (RFC 8894 3.2.2). */
export function keyFor(profile: Item | undefined, door: Door): string {
  const types = (profile?.attributes.definition as { keys?: string[] } | undefined)?.keys ?? [];
  const known = types.flatMap((type) => algorithmOf(type) ?? []);
  const usual = door === "scep_profiles" ? "rsa -pkeyopt rsa_keygen_bits:3072" : "ec -pkeyopt ec_paramgen_curve:P-256";
  return (door === "scep_profiles" && known.find((one) => one.startsWith("rsa"))) || (known[0] ?? usual);
}

/** Makes a key and a request, as openssl writes them when nobody says otherwise; key: of keyFor(). */
export function requestLine(bound: string, file: "device" | "next", key: string): string {
  return `openssl req -new -newkey ${key} -nodes -keyout ${file}.key -subj /CN=${nameOfDevice(bound)} -out ${file}.csr`;
}

/** Makes a key alone. */
export function keyLine(file: "device" | "next", key: string): string {
  return `openssl genpkey -algorithm ${key} -out ${file}.key`;
}
