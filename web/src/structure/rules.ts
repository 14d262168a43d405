// Rules of a policy as their form sees them. Each function takes a rule and gives one with a change; what isn't changed stays as it was.
import { isObject, put, type Values } from "./schema";

export const EFFECTS = ["require", "refuse", "approve", "default"] as const;
export type Effect = (typeof EFFECTS)[number];

export function effectOf(rule: Values): Effect | null {
  const said = EFFECTS.filter((one) => rule[one] !== undefined);
  return said.length === 1 ? (said[0] ?? null) : null;
}

const BEGIN: Record<Effect, unknown> = { require: "$.days <= 90", refuse: true, approve: { count: 1, right: "approvals.decide" }, default: { days: 90 } };

/** The rule with another effect, in the place of the old one. */
export function withEffect(rule: Values, effect: Effect): Values {
  const entries = Object.entries(rule);
  const at = entries.findIndex(([name]) => (EFFECTS as readonly string[]).includes(name));
  const rest = entries.filter(([name]) => !(EFFECTS as readonly string[]).includes(name));
  const place = at < 0 ? rest.length : at;
  return Object.fromEntries([...rest.slice(0, place), [effect, BEGIN[effect]], ...rest.slice(place)]);
}

/** Who approves: those with a right, or those with a role. */
export function approversOf(rule: Values): { count: unknown; by: "right" | "role"; who: string } {
  const wanted = isObject(rule.approve) ? rule.approve : {};
  const by = wanted.role !== undefined ? "role" : "right";
  return { count: wanted.count, by, who: typeof wanted[by] === "string" ? wanted[by] : "" };
}

export function withApprovers(rule: Values, change: Partial<{ count: unknown; by: "right" | "role"; who: string }>): Values {
  const before = isObject(rule.approve) ? rule.approve : {};
  const { by, who } = { ...approversOf(rule), ...change };
  let next: Values = "count" in change ? put(before, "count", change.count) : before;
  if (change.by !== undefined || change.who !== undefined) {
    const other = by === "right" ? "role" : "right";
    next = put(put(next, other, undefined), by, change.by !== undefined && change.who === undefined ? "" : who);
  }
  return put(rule, "approve", next);
}

/** A name that no other rule has. */
export function freeName(rules: readonly unknown[], base: string): string {
  const taken = new Set(rules.map((one) => (isObject(one) ? one.name : "")));
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base} ${n}`;
    if (!taken.has(name)) {
      return name;
    }
  }
}

/** Rules to begin with, in words of the reader's language and of the other one. */
export const BEGINNINGS = {
  shorter: { name: "short", require: "$.days <= 90", pointer: "days", message: "a certificate is valid for at most 90 days", message_de: "Zertifikate gelten höchstens 90 Tage" },
  domains: {
    name: "domains", require: '!exists($.names[*] ? (@ starts with "dns:" && !(@ like_regex "^dns:([^.]+\\\\.)*(example\\\\.org|example\\\\.com)$")))', pointer: "names",
    message: "host names end in example.org or example.com", message_de: "Rechnernamen enden auf example.org oder example.com",
  },
  eyes: {
    name: "second person", when: "$.days > 180", approve: { count: 1, right: "approvals.decide" }, message: "over half a year: somebody else looks at it",
    message_de: "Über ein halbes Jahr: jemand anderes sieht es sich an",
  },
  keys: { name: "keys", when: '$.key.family == "rsa"', require: "$.key.bits >= 3072", pointer: "csr", message: "RSA keys have at least 3072 bits", message_de: "RSA-Schlüssel haben mindestens 3072 Bit" },
  owner: { name: "owner", default: { owner: "PKI team" } },
  wildcards: { name: "no wildcard", when: '$.names[*] starts with "dns:*"', refuse: true, pointer: "names", message: "wildcards aren't issued", message_de: "Platzhalter werden nicht ausgestellt" },
} as const satisfies Record<string, Values>;
export type Beginning = keyof typeof BEGINNINGS;

/** What a message may point to: members of a request. */
export const POINTERS = ["days", "names", "subject", "csr", "key_type", "profile", "ca", "owner", "metadata"] as const;
