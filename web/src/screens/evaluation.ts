// Trials: from what somebody typed to a request, and from the answer to what people read. Plain functions, tested without a browser.
import { ApiError } from "../api/client";
import { list } from "../format";

export interface Sample {
  csr: string;
  cn: string;
  o: string;
  names: string;
  days: string;
  keyType: string;
  ca: string;
  owner: string;
  /** Other parts of the subject, by their types. */
  more: Readonly<Record<string, string>>;
}

export const EMPTY_SAMPLE: Sample = { csr: "", cn: "www.example.com", o: "", names: "", days: "", keyType: "", ca: "", owner: "", more: {} };

/** Parts of the subject that the definition wants and a sample has no field for. */
export function wantedParts(definition: unknown): string[] {
  const wanted = (definition as { subject_required?: unknown } | null | undefined)?.subject_required;
  return Array.isArray(wanted) ? wanted.filter((one): one is string => typeof one === "string" && one !== "CN" && one !== "O") : [];
}

const KINDS = ["dns", "ip", "email", "uri", "upn", "hardware", "rid", "permanent-identifier"];

/** A name with its kind: what is written without one is taken for what it looks like. */
export function kindedName(name: string): string {
  const colon = name.indexOf(":");
  if (colon > 0 && KINDS.includes(name.slice(0, colon))) {
    return name;
  }
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(name) || /^[0-9a-f:]*:[0-9a-f:.]*$/i.test(name)) {
    return `ip:${name}`;
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(name)) {
    return `uri:${name}`;
  }
  return name.includes("@") ? `email:${name}` : `dns:${name}`;
}

/** The attributes of POST /profiles/{id}/evaluate: of a CSR subject and names are its own where nothing else is said. */
export function attributesOfSample(s: Sample, definition?: unknown): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  const subject: Record<string, string> = {};
  if (s.cn.trim() && !s.csr.trim()) {
    subject.CN = s.cn.trim();
  }
  if (s.o.trim()) {
    subject.O = s.o.trim();
  }
  for (const [type, value] of Object.entries(s.more)) {
    if (value.trim() && !s.csr.trim()) {
      subject[type] = value.trim();
    }
  }
  if (s.csr.trim()) {
    all.csr = `${s.csr.trim()}\n`;
  } else if (s.keyType.trim()) {
    all.key_type = s.keyType.trim();
  }
  if (Object.keys(subject).length > 0) {
    all.subject = subject;
  }
  const names = list(s.names).map(kindedName);
  if (names.length > 0) {
    all.names = names;
  }
  if (Number(s.days) > 0) {
    all.days = Math.floor(Number(s.days));
  }
  if (s.ca) {
    all.ca = s.ca;
  }
  if (s.owner.trim()) {
    all.owner = s.owner.trim();
  }
  if (definition !== undefined) {
    all.definition = definition;
  }
  return all;
}

export type RuleOutcome = "set" | "has_value" | "holds" | "refused" | "approval" | "not_matched" | "not_bound" | "other_operation";
export interface RuleSaid {
  rule: string;
  place: number;
  effect: string;
  outcome: RuleOutcome;
  policy?: string;
  message?: string;
  message_de?: string;
  pointer?: string;
  set?: string[];
  unknown?: string[];
}
export interface Verdict {
  outcome: "issued" | "refused" | "approval";
  error?: { code: string; detail: string; pointer: string };
  certificate?: {
    subject: string;
    names: string[];
    issuer: string;
    key_type: string;
    not_before: number;
    not_after: number;
    validity_rule: string;
    key_usage: string[];
    extended_key_usage: string[];
    owner?: string;
    metadata?: Record<string, string>;
  };
  document?: Record<string, unknown>;
  rules: RuleSaid[];
}

/** Who says no, or wants others to say yes: the profile, or rules of policies. */
export function decidedBy(v: Verdict): { by: "profile" | "policy" | "nobody"; rules: RuleSaid[] } {
  if (v.error) {
    return { by: "profile", rules: [] };
  }
  const wanted = v.outcome === "refused" ? "refused" : "approval";
  const rules = v.outcome === "issued" ? [] : v.rules.filter((r) => r.outcome === wanted);
  return { by: rules.length > 0 ? "policy" : "nobody", rules };
}

/** Rules that had a say, before those that had none. */
export function inOrder(rules: readonly RuleSaid[]): RuleSaid[] {
  const rank: Record<RuleOutcome, number> = { refused: 0, approval: 1, set: 2, has_value: 3, holds: 4, not_matched: 5, not_bound: 6, other_operation: 7 };
  return [...rules].sort((a, b) => rank[a.outcome] - rank[b.outcome] || (a.policy ?? "").localeCompare(b.policy ?? "") || a.place - b.place);
}

/** What the rules of one policy come to by themselves. */
export function outcomeOf(rules: readonly RuleSaid[]): Verdict["outcome"] {
  return rules.some((r) => r.outcome === "refused") ? "refused" : rules.some((r) => r.outcome === "approval") ? "approval" : "issued";
}

/** "/data/attributes/rules/0/when" → "rules/0/when"; "" when it is about none. */
export function memberOf(pointer: string | undefined): string {
  return (pointer ?? "").replace(/^\/data\/attributes\//, "");
}

/** What the server says, by the members of one attribute: "rules/0/when" of rules, "days" of definition. */
export function faultsOf(error: unknown, attribute: string): Record<string, string> {
  const errors = error instanceof ApiError ? error.errors : [];
  const prefix = attribute === "rules" ? "" : `${attribute}/`;
  return Object.fromEntries(
    errors.flatMap((one) => {
      const place = memberOf(one.source?.pointer);
      return place.startsWith(`${attribute}/`) ? [[place.slice(prefix.length), one.detail ?? ""]] : [];
    }),
  );
}
