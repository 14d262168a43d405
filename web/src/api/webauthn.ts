// Passkeys in the browser (WebAuthn): the server's options are texts, the browser wants octets, and the other way round.

export function toBytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = new Uint8Array(plain.length);
  for (let i = 0; i < plain.length; i++) {
    bytes[i] = plain.charCodeAt(i);
  }
  return bytes;
}

export function toText(buffer: ArrayBuffer | Uint8Array): string {
  let plain = "";
  for (const octet of new Uint8Array(buffer)) {
    plain += String.fromCharCode(octet);
  }
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

type PasskeyReason = "cancelled" | "known" | "unsupported" | "other";

/** The browser or the authenticator said no: nothing reached the server. */
export class PasskeyError extends Error {
  constructor(readonly reason: PasskeyReason) {
    super(reason);
    this.name = "PasskeyError";
  }
}

export function reasonOf(error: unknown): PasskeyReason {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  return name === "NotAllowedError" || name === "AbortError" ? "cancelled" : name === "InvalidStateError" ? "known" : name === "NotSupportedError" ? "unsupported" : "other";
}

export function passkeysPossible(): boolean {
  return typeof window !== "undefined" && "PublicKeyCredential" in window && !!navigator.credentials;
}

interface Descriptor {
  type: "public-key";
  id: string;
}

export interface CreateOptions {
  rp: PublicKeyCredentialRpEntity;
  user: { id: string; name: string; displayName: string };
  challenge: string;
  pubKeyCredParams: PublicKeyCredentialParameters[];
  excludeCredentials: Descriptor[];
  [more: string]: unknown;
}

export interface GetOptions {
  challenge: string;
  allowCredentials: Descriptor[];
  [more: string]: unknown;
}

export interface Made {
  attestation_object: string;
  client_data: string;
}

export interface Proof {
  id: string;
  authenticator_data: string;
  client_data: string;
  signature: string;
  user_handle?: string;
}

const octets = (list: Descriptor[]) => list.map((one) => ({ ...one, id: toBytes(one.id) }));

async function ask<T>(what: Promise<Credential | null>, read: (credential: PublicKeyCredential) => T): Promise<T> {
  let credential: Credential | null;
  try {
    credential = await what;
  } catch (error) {
    throw new PasskeyError(reasonOf(error));
  }
  if (!credential) {
    throw new PasskeyError("cancelled");
  }
  return read(credential as PublicKeyCredential);
}

export async function createPasskey(options: CreateOptions): Promise<Made> {
  const publicKey: PublicKeyCredentialCreationOptions = {
    ...options,
    challenge: toBytes(options.challenge),
    user: { ...options.user, id: toBytes(options.user.id) },
    excludeCredentials: octets(options.excludeCredentials),
  };
  return ask(navigator.credentials.create({ publicKey }), (credential) => ({
    attestation_object: toText((credential.response as AuthenticatorAttestationResponse).attestationObject),
    client_data: toText(credential.response.clientDataJSON),
  }));
}

export async function showPasskey(options: GetOptions): Promise<Proof> {
  const publicKey: PublicKeyCredentialRequestOptions = {
    ...options,
    challenge: toBytes(options.challenge),
    allowCredentials: octets(options.allowCredentials),
  };
  return ask(navigator.credentials.get({ publicKey }), (credential) => {
    const response = credential.response as AuthenticatorAssertionResponse;
    return {
      id: toText(credential.rawId),
      authenticator_data: toText(response.authenticatorData),
      client_data: toText(response.clientDataJSON),
      signature: toText(response.signature),
      ...(response.userHandle?.byteLength ? { user_handle: toText(response.userHandle) } : {}),
    };
  });
}
