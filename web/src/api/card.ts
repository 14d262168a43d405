// Signing in by a certificate: on a host name of its own the browser is asked for it, and comes back with a code that is good once, for the browser
// alone that has the verifier.
import { toText } from "./webauthn";

const KEY = "siegel.card";

/** What stands behind the # when the browser comes back. */
export function cardAnswer(hash: string): { code?: string; refused?: string } | null {
  const found = /^#(card|card_refused)=([A-Za-z0-9_-]{1,128})$/.exec(hash);
  return !found ? null : found[1] === "card" ? { code: found[2] } : { refused: found[2] };
}

export async function goToCard(url: string): Promise<void> {
  const verifier = toText(crypto.getRandomValues(new Uint8Array(32)));
  sessionStorage.setItem(KEY, verifier);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  window.location.assign(`${url}/sign-in?challenge=${toText(digest)}`);
}

/** What came back, once: it doesn't stay in the address. */
export function takeCard(): { claim?: { card_code: string; card_verifier: string }; refused?: string } | null {
  const answer = cardAnswer(window.location.hash);
  const verifier = sessionStorage.getItem(KEY);
  if (!answer) {
    return null;
  }
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  sessionStorage.removeItem(KEY);
  if (answer.refused) {
    return { refused: answer.refused };
  }
  return verifier && answer.code ? { claim: { card_code: answer.code, card_verifier: verifier } } : { refused: "lost" };
}
