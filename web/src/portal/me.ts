// Who uses the portal. By itself, for it is all that the frame asks: what the screens ask for comes with them.
import { portalAlone, useOwn } from "../api/session";

/** Who looks; everything: he sees more than his own. */
export function useMe() {
  const a = useOwn();
  const rights = a.rights ?? [];
  return { name: a.name ?? "", title: a.title || a.name || "", rights, everything: !portalAlone(rights) };
}

export function mayAsk(rights: readonly string[]): boolean {
  return rights.includes("certificates.own") || rights.includes("certificates.issue");
}
