// The inventory's query. What stands in the page's address is what the API is asked for (filter[…] and sort), so that an address can be kept, sent to
// somebody, saved as a query and exported.
import type { CertificateAttributes } from "../api/queries";

export type Kind = "text" | "choice" | "hex" | "time" | "metadata";
export type Op = "contains" | "eq" | "in" | "ge" | "lt";

/** What can be searched, in the order in which it is offered. */
export const ATTRIBUTES = {
  common_name: "text", names: "text", subject: "text", serial: "hex", fingerprint_sha256: "hex", status: "choice", issuer: "choice", profile: "choice",
  not_after: "time", not_before: "time", created_at: "time", owner: "text", requestor: "text", source: "choice", key_type: "choice", revoked_at: "time",
  revocation_reason: "choice", metadata: "metadata",
} as const satisfies Record<string, Kind>;
export type Attribute = keyof typeof ATTRIBUTES;
export const ATTRIBUTE_NAMES = Object.keys(ATTRIBUTES) as Attribute[];

/** The values that the description of the API has for it: the lists below are some of them, in the order of our choice. */
type Known<A extends keyof CertificateAttributes> = NonNullable<CertificateAttributes[A]>;

export const STATES = ["issued", "held", "revoked"] as const satisfies readonly Known<"status">[];
export const SOURCES = ["rest", "est", "scep", "acme", "import", "engine", "setup"] as const satisfies readonly Known<"source">[];
export const REASONS = [
  "unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation", "privilegeWithdrawn", "certificateHold",
] as const satisfies readonly Known<"revocation_reason">[];
export const SORTS = ["common_name", "not_before", "not_after", "created_at"] as const;
export const SIZES = [20, 50, 100] as const;
const MOST_CONDITIONS = 12; // the API takes 16 filters
export const MOST_GROUPS = 8; // alternatives that the API takes
export const KEY = /^[A-Za-z0-9_.-]{1,64}$/;

export interface Condition {
  attribute: Attribute;
  op: Op;
  value: string;
  /** Of metadata. */
  key?: string;
  /** What has the same number holds together, and one of the numbers has to; without one it has to hold. */
  group?: number;
}

const OPS: Record<Kind, Op[]> = { text: ["contains", "eq", "in"], choice: ["in", "eq"], hex: ["eq"], time: ["ge", "lt"], metadata: ["contains", "eq", "in"] };

export function opsOf(attribute: Attribute): Op[] {
  return attribute === "names" ? ["contains", "eq"] : OPS[ATTRIBUTES[attribute]];
}

/** The API's name of a condition: filter[names][contains]. */
export function parameterOf(c: Pick<Condition, "attribute" | "op" | "key" | "group">): string {
  return `filter[${c.group ? `any.${c.group}][` : ""}${c.attribute}${c.key ? `.${c.key}` : ""}]${c.op === "eq" ? "" : `[${c.op}]`}`;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?$/;

/** The value as the API takes it; null: it isn't one. */
export function valueOf(attribute: Attribute, value: string): string | null {
  const text = value.trim();
  switch (ATTRIBUTES[attribute]) {
    case "hex": {
      const hex = text.replace(/[^0-9A-Fa-f]/g, "").toLowerCase();
      return hex && hex.length % 2 === 0 ? hex : null;
    }
    case "time":
      return TIME.test(text) ? text : null;
    default:
      return text && new TextEncoder().encode(text).length <= 512 ? text : null;
  }
}

/** A condition of the address; null: nothing that we know. */
function read(name: string, value: string): Condition | null {
  const found = /^filter\[(?:any\.([1-8])\]\[)?([a-z0-9_]+)(?:\.([^\][]+))?\](?:\[([a-z]+)\])?$/.exec(name);
  const attribute = found?.[2] as Attribute | undefined;
  if (!found || !attribute || !Object.hasOwn(ATTRIBUTES, attribute)) {
    return null;
  }
  const op = (found[4] ?? "eq") as Op;
  const key = found[3];
  const good = valueOf(attribute, value);
  if (good === null || !opsOf(attribute).includes(op) || (attribute === "metadata" ? !key || !KEY.test(key) : key !== undefined)) {
    return null;
  }
  return { attribute, op, value: good, ...(key ? { key } : {}), ...(found[1] ? { group: Number(found[1]) } : {}) };
}

/** Short addresses, as other pages and people write them. */
function short(address: URLSearchParams, today: string): Condition[] {
  const all: Condition[] = [];
  const put = (name: string, attribute: Attribute, op: Op) => {
    const value = valueOf(attribute, address.get(name) ?? "");
    if (value !== null) {
      all.push({ attribute, op, value });
    }
  };
  put("name", "common_name", "contains");
  put("names", "names", "contains");
  put("serial", "serial", "eq");
  put("subject", "subject", "contains");
  put("issuer", "issuer", "eq");
  put("profile", "profile", "eq");
  put("owner", "owner", "contains");
  put("requestor", "requestor", "contains");
  put("source", "source", "eq");
  if (STATES.some((one) => one === address.get("status"))) {
    put("status", "status", "eq");
  }
  const key = address.get("key") ?? "";
  const metadata = valueOf("metadata", address.get("metadata") ?? "");
  if (metadata !== null && KEY.test(key)) {
    all.push({ attribute: "metadata", op: "contains", value: metadata, key });
  }
  const before = address.get("before");
  if (before && DAY.test(before)) {
    all.push({ attribute: "not_after", op: "ge", value: today }, { attribute: "not_after", op: "lt", value: before });
  }
  return all;
}

/** What the address says is searched for; whatever isn't known is left out, and what comes twice counts once. */
export function conditionsOf(address: URLSearchParams, today = new Date().toISOString().slice(0, 10)): Condition[] {
  const all = new Map<string, Condition>();
  for (const c of [...short(address, today), ...[...address].map(([name, value]) => read(name, value))]) {
    if (c && all.size < MOST_CONDITIONS) {
      all.set(parameterOf(c), c);
    }
  }
  return [...all.values()];
}

export function sortOf(address: URLSearchParams): string | null {
  const sort = address.get("sort") ?? "";
  return SORTS.some((one) => one === sort.replace(/^-/, "")) ? sort : null;
}

export function sizeOf(address: URLSearchParams): number {
  return SIZES.find((one) => one === Number(address.get("size"))) ?? SIZES[0];
}

/** The parameters of the API that say which certificates, and in which order: those of a saved query, and of an export. */
export function filterOf(address: URLSearchParams): Record<string, string> {
  const query: Record<string, string> = {};
  for (const c of conditionsOf(address)) {
    query[parameterOf(c)] = c.value;
  }
  const sort = sortOf(address);
  return sort ? { ...query, sort } : query;
}

/** What is asked of the API for the page's address; after: the cursor. */
export function queryOf(address: URLSearchParams, after: string | null): Record<string, string> {
  return { ...filterOf(address), "page[size]": String(sizeOf(address)), ...(after ? { "page[after]": after } : {}) };
}

/** The address of the same page with these conditions; what else it says stays. */
export function addressWith(address: URLSearchParams, conditions: Condition[]): URLSearchParams {
  const to = new URLSearchParams();
  for (const c of conditions) {
    to.append(parameterOf(c), c.value);
  }
  for (const name of ["sort", "size", "columns"]) {
    const value = address.get(name);
    if (value) {
      to.set(name, value);
    }
  }
  return to;
}

/** Whether one alternative is enough. */
export function isAny(conditions: Condition[]): boolean {
  return conditions.some((c) => c.group);
}

/** Each becomes an alternative by itself, or all have to hold; what then says the same counts once. */
export function join(conditions: Condition[], any: boolean): Condition[] {
  const plain = conditions.map(({ group: _, ...c }) => c);
  return any ? plain.slice(0, MOST_GROUPS).map((c, i) => ({ ...c, group: i + 1 })) : plain.reduce(add, [] as Condition[]);
}

/** Those that there are without one of them. */
export function without(conditions: Condition[], some: Condition[]): Condition[] {
  return conditions.filter((c) => !some.some((one) => parameterOf(one) === parameterOf(c)));
}

/** The alternatives; what holds together is one of them. */
export function groupsOf(conditions: Condition[]): Condition[][] {
  const numbers = [...new Set(conditions.map((c) => c.group ?? 0))].filter(Boolean).sort((a, b) => a - b);
  return numbers.map((n) => conditions.filter((c) => c.group === n));
}

/** Whether another condition has room. */
export function hasRoom(conditions: Condition[]): boolean {
  return conditions.length < MOST_CONDITIONS && (!isAny(conditions) || groupsOf(conditions).length < MOST_GROUPS);
}

/** One condition more: another alternative where one is enough. */
export function extend(conditions: Condition[], next: Condition): Condition[] {
  if (!isAny(conditions)) {
    return add(conditions, next);
  }
  const taken = new Set(conditions.map((c) => c.group));
  const group = Array.from({ length: MOST_GROUPS }, (_, i) => i + 1).find((n) => !taken.has(n));
  const known = conditions.some((c) => c.value === next.value && parameterOf({ ...c, group: 0 }) === parameterOf(next));
  return group && !known ? [...conditions, { ...next, group }] : conditions;
}

/** One condition more, which has to hold. Of an attribute with a few values several are meant one or another. */
export function add(conditions: Condition[], next: Condition): Condition[] {
  if (ATTRIBUTES[next.attribute] === "choice") {
    const same = conditions.filter((c) => c.attribute === next.attribute).flatMap((c) => (c.op === "in" ? c.value.split(",") : [c.value]));
    const values = [...new Set([...same, next.value])].filter((v, _, all) => all.length === 1 || !v.includes(",") || v === next.value);
    const several = values.length > 1 && !next.value.includes(","); // commas part the values
    const one: Condition = { attribute: next.attribute, op: several ? "in" : "eq", value: several ? values.join(",") : next.value };
    return [...conditions.filter((c) => c.attribute !== next.attribute), one];
  }
  return [...conditions.filter((c) => parameterOf(c) !== parameterOf(next)), next];
}

type Said = string | { [op: string]: string | string[] };

/** The same as operations on many take it: {"owner": {"contains": "line"}, "any": [{"not_after": {"lt": "2027-01-01"}}, …]}. */
export function choiceOf(conditions: Condition[]): Record<string, unknown> {
  const any = groupsOf(conditions).map(filterOfGroup);
  return { ...filterOfGroup(conditions.filter((c) => !c.group)), ...(any.length > 0 ? { any } : {}) };
}

/** Whether finding all of them means looking at each certificate: no index has parts of texts. */
export function isLong(conditions: Condition[]): boolean {
  return conditions.some((c) => c.op === "contains" || c.group);
}

function filterOfGroup(conditions: Condition[]): Record<string, unknown> {
  const filter: Record<string, Said | Record<string, Said>> = {};
  const said = (before: Said | undefined, c: Condition): Said => {
    if (ATTRIBUTES[c.attribute] === "hex") {
      return c.value;
    }
    return { ...(typeof before === "object" ? before : {}), [c.op]: c.op === "in" ? c.value.split(",") : c.value };
  };
  for (const c of conditions) {
    if (c.key) {
      const metadata = (filter.metadata ?? {}) as Record<string, Said>;
      filter.metadata = { ...metadata, [c.key]: said(metadata[c.key], c) };
    } else {
      filter[c.attribute] = said(filter[c.attribute] as Said | undefined, c);
    }
  }
  return filter;
}

/** The page's address of a saved query. */
export function addressOfSaved(query: Readonly<Record<string, string>>, columns: readonly string[]): string {
  const all = new URLSearchParams(query);
  if (columns.length > 0) {
    all.set("columns", columns.join(","));
  }
  return `/certificates?${all.toString()}`;
}

/** What of a saved query the inventory doesn't know, and leaves out: somebody wrote it by hand. */
export function unknownIn(query: Readonly<Record<string, string>>): [string, string][] {
  const known = filterOf(new URLSearchParams(query));
  return Object.entries(query).filter(([name]) => !Object.hasOwn(known, name));
}

// --- columns ---

export const COLUMNS = [
  "common_name", "status", "issuer", "profile", "not_after", "created_at", "serial", "names", "subject", "not_before", "owner", "requestor", "source", "key_type",
  "revoked_at", "revocation_reason", "fingerprint_sha256",
] as const;
export type Column = (typeof COLUMNS)[number] | `metadata.${string}`;
export const FIRST_COLUMNS: Column[] = ["common_name", "status", "issuer", "profile", "not_after"];
/** Of these, what a tablet and a telephone leave out. */
export const WIDE_ALONE: readonly Column[] = ["issuer", "profile"];
const MOST_COLUMNS = 20;

/** Of texts that somebody may have written: those that are columns. The name leads to the certificate and is always there. */
export function columnsOf(names: readonly string[]): Column[] {
  const known = names.filter((n): n is Column => COLUMNS.some((c) => c === n) || (n.startsWith("metadata.") && KEY.test(n.slice(9))));
  const all = [...new Set<Column>(["common_name", ...known])].slice(0, MOST_COLUMNS);
  return all.length > 1 ? all : FIRST_COLUMNS;
}

/** Where the export is fetched: everything that the address finds, with these columns. */
export function exportOf(address: URLSearchParams, format: "csv" | "json", columns: Column[]): string {
  const all = new URLSearchParams({ format, ...(format === "csv" ? { bom: "true" } : {}), columns: ["id", ...columns].join(","), ...filterOf(address) });
  return `/api/v2.0/certificates/export?${all.toString()}`;
}
