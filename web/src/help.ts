// Which help belongs to which view: by the beginning of its address, so that what is below a view has its help as well unless it has one of its own.
import type { Words } from "./i18n/words";
import { type Place, placeOf } from "./places";
import { isResource, type ResourceName, visible } from "./resources/model";

export type Topic = keyof Words["help"]["topics"];

/** Addresses end at a slash or at their end; "/" stands for the dashboard alone. Beside the help: where to go on, shown to those who may go there. */
export const HELP: Record<string, { topic: Topic; related: string[] }> = {
  "/": { topic: "dashboard", related: ["/issue", "/certificates"] },
  "/issue": { topic: "issue", related: ["/profiles", "/certificates"] },
  "/certificates": { topic: "certificates", related: ["/issue", "/imports"] },
  "/certificates/:id": { topic: "certificate", related: ["/certificates", "/hierarchy"] },
  "/account": { topic: "account", related: ["/"] },
  "/hierarchy": { topic: "hierarchy", related: ["/keys", "/certificates"] },
  "/keys": { topic: "keyStores", related: ["/hierarchy"] },
  "/profiles": { topic: "profiles", related: ["/approvals", "/issue"] },
  "/policies": { topic: "policies", related: ["/approvals", "/profiles"] },
  "/enrollment": { topic: "enrollment", related: ["/profiles", "/certificates"] },
  "/approvals": { topic: "approvals", related: ["/profiles"] },
  "/imports": { topic: "imports", related: ["/jobs", "/certificates"] },
  "/jobs": { topic: "jobs", related: ["/imports", "/certificates"] },
  "/secrets": { topic: "secrets", related: ["/keys"] },
  "/audit": { topic: "audit", related: ["/certificates"] },
  "/settings": { topic: "settings", related: ["/account"] },
  "/r": { topic: "resources", related: ["/"] },
  "/r/key_stores": { topic: "keyStores", related: ["/hierarchy"] },
  "/r/tenants": { topic: "tenants", related: ["/r/accounts"] },
  "/r/accounts": { topic: "accounts", related: ["/r/roles", "/r/credentials"] },
  "/r/roles": { topic: "roles", related: ["/r/accounts"] },
  "/r/credentials": { topic: "credentials", related: ["/r/accounts"] },
  "/r/sessions": { topic: "sessions", related: ["/account"] },
  "/r/approvals": { topic: "approvals", related: ["/profiles"] },
  "/r/jobs": { topic: "jobs", related: ["/imports"] },
  "/r/audit_events": { topic: "audit", related: ["/certificates"] },
};

/** How many parts of the pattern the address has, "-1" when it isn't below it; ":id" stands for any part. */
function fits(pattern: string, path: string): number {
  const wanted = pattern.split("/").filter(Boolean);
  const given = path.split("/").filter(Boolean);
  if (wanted.length === 0) {
    return given.length === 0 ? 0 : -1;
  }
  return wanted.every((part, i) => given[i] !== undefined && (part.startsWith(":") || part === given[i])) ? wanted.length : -1;
}

/** The help of a view: that of the longest address that it is below; null when there is none. */
export function helpOf(path: string): { topic: Topic; related: string[] } | null {
  let best: { topic: Topic; related: string[] } | null = null;
  let longest = -1;
  for (const [pattern, help] of Object.entries(HELP)) {
    const parts = fits(pattern, path);
    if (parts > longest) {
      longest = parts;
      best = help;
    }
  }
  return best;
}

/** What an address of the help leads to: a screen, or the generated list of a resource; undefined when there is none, or these rights don't allow it. */
export function targetOf(to: string, rights: readonly string[]): { place?: Place; resource?: ResourceName } | undefined {
  const place = placeOf(to, rights);
  const resource = to.startsWith("/r/") ? to.slice("/r/".length) : undefined;
  return place ? { place } : isResource(resource) && visible(resource, rights) ? { resource } : undefined;
}
