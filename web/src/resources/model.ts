// What a generated screen knows of a resource, and what is worked out of it: plain functions, tested without a browser. The table itself is made of
// openapi.json (scripts/resources.mjs).
import { RESOURCES, type ResourceName } from "../api/resources.gen";
import type { StructureName } from "../api/structures.gen";
import { placeOfOne } from "../places";

export type Kind = "text" | "lines" | "secret" | "int" | "bool" | "time" | "texts" | "map" | "json" | "hex";

/** An attribute as it is shown, a relationship, or an input of a request. */
export interface Field {
  kind: Kind;
  /** The texts that there are. */
  values?: readonly string[];
  /** The resource whose members it names. */
  of?: string;
  /** What a JSON value is made of (structure/). */
  schema?: StructureName;
  /** It is sent as a relationship, by id. */
  relationship?: true;
  required?: true;
  filter?: true;
  sort?: true;
  /** In a list only when it is asked for. */
  onRequest?: true;
  /** Shown in the answer to the request that made it, and never again. */
  once?: true;
}
export type Fields = Readonly<Record<string, Field>>;

export interface Operation {
  method: string;
  path: string;
  right: string;
  /** The document's type; none: it takes no document. */
  type?: string;
  fields?: Fields;
  /** The body is a file; the fields go into the query. */
  raw?: true;
}

export interface Resource {
  types: readonly string[];
  fields: Fields;
  relationships: Fields;
  list?: Operation;
  one?: Operation;
  create?: Operation;
  update?: Operation;
  remove?: Operation;
  /** Of one of them, by their names. */
  actions: Readonly<Record<string, Operation>>;
  /** Of many. */
  wide: Readonly<Record<string, Operation>>;
  sort?: string;
}

/** A JSON:API resource object. */
export interface Thing {
  type: string;
  id: string;
  attributes?: Record<string, unknown>;
  relationships?: Record<string, { data?: { type: string; id: string } | null } | undefined>;
}

export type { ResourceName };

export function isResource(name: string | undefined): name is ResourceName {
  return name !== undefined && Object.hasOwn(RESOURCES, name);
}

export function resourceOf(name: ResourceName): Resource {
  return RESOURCES[name];
}

/** Whether a session with these rights may do it. What wants a password of its own isn't done over a session. */
export function permitted(operation: Operation | undefined, rights: readonly string[]): operation is Operation {
  if (!operation) {
    return false;
  }
  const anybody = operation.right === "account" || (operation.right === "public" && operation.method === "GET");
  return anybody || rights.includes(operation.right);
}

/** What its screen is: a list, a single thing, or something that programs alone ask for. */
export function screenOf(name: ResourceName): "list" | "single" | "program" {
  const resource = resourceOf(name);
  const shown = Object.keys(resource.fields).length > 0;
  return shown && resource.list ? "list" : shown && resource.one ? "single" : "program";
}

/** Whether somebody with these rights gets to see it at all. */
export function visible(name: ResourceName, rights: readonly string[]): boolean {
  const resource = resourceOf(name);
  return screenOf(name) === "program" || permitted(resource.list ?? resource.one, rights);
}

/** The groups of the expert view and what stands in each, in this order. A resource that stands in none is found under operation. */
const GROUPS = {
  authority: ["certificates", "cert_server", "cert_client", "cert_device", "cas", "ca_certificates", "crls", "profiles", "profile_templates", "policies",
    "renewal_advice", "offers", "batches", "batch_items", "saved_queries"],
  enrolment: ["est_labels", "scep_profiles", "enrollment_codes", "acme_directories", "acme_keys", "acme_accounts", "acme_orders", "mscep_admin"],
  people: ["accounts", "roles", "rights", "credentials", "passkeys", "sessions", "tokens", "tenants"],
  store: ["key_stores", "secrets", "archived_keys"],
  operation: ["approvals", "jobs", "job_items", "imports", "import_files", "audit_events", "audit_seals", "statistics", "machine", "health", "settings", "openapi.json"],
} as const satisfies Record<string, readonly ResourceName[]>;
export type Group = keyof typeof GROUPS;

export function membersOf(group: Group): ResourceName[] {
  const placed = new Set<string>(Object.values(GROUPS).flat());
  const rest = group === "operation" ? (Object.keys(RESOURCES) as ResourceName[]).filter((name) => !placed.has(name)) : [];
  return [...GROUPS[group], ...rest];
}

/** Fields that a choice of another wants: without it they are neither shown nor sent. */
const ONLY_WITH: Readonly<Record<string, Readonly<Record<string, { field: string; value: string }>>>> = {
  credentials: { certificate: { field: "kind", value: "certificate" } },
};

/** The fields of a request of which that much is filled in. */
export function fieldsFor(operation: Pick<Operation, "type" | "fields">, values: Readonly<Record<string, unknown>>): Fields {
  const only = ONLY_WITH[operation.type ?? ""] ?? {};
  return Object.fromEntries(Object.entries(operation.fields ?? {}).filter(([name]) => !only[name] || values[only[name].field] === only[name].value));
}

/** What a new one is when nobody says otherwise, said in the form. */
export const USUAL: Readonly<Record<string, Readonly<Record<string, string>>>> = { accounts: { enabled: "true" } };

/** It came with the product, and nobody changes it. */
export function isFixed(thing: Thing): boolean {
  return thing.attributes?.ready === true;
}

/** What names a thing for people, the best first. */
const NAMES = ["name", "common_name", "subject", "title", "kid", "operation", "action", "n", "number", "kind", "thumbprint", "agent"] as const;

export function labelOf(thing: Thing): string {
  for (const name of NAMES) {
    const value = thing.attributes?.[name];
    if ((typeof value === "string" && value) || typeof value === "number") {
      return String(value);
    }
  }
  return thing.id;
}

/** What it is called where somebody types or chooses it: its name, or without one its id. */
export function wordOf(resource: ResourceName, thing: Thing): string {
  const name = thing.attributes?.name;
  return resourceOf(resource).fields.name && typeof name === "string" ? name : thing.id;
}

/** Columns of a list, the most telling first; what stands here and the resource has, six at most. */
const TELLING = [
  "section", "key", "value", "set", "name", "common_name", "kid", "n", "number", "at", "action", "object", "actor", "operation", "subject", "text", "yours", "changes", "title", "status", "kind", "role",
  "account", "usable", "present", "current", "agent", "client", "issuer", "profile", "ca", "directory", "certificate", "job", "import", "est_label", "scep_profile",
  "second_factor", "enabled", "ready", "is_default", "url", "names", "detail", "done", "total", "failed", "entries", "next_update", "delivery", "files", "size_bytes",
  "challenges", "auth", "key_type", "not_after", "begins_at", "ends_at", "expires_at", "archived_at", "used_at", "requestor", "created_at",
];
const COLUMNS = 6;

export function columnsOf(name: ResourceName): string[] {
  const resource = resourceOf(name);
  const there = TELLING.filter((one) => {
    const field = resource.fields[one] ?? resource.relationships[one];
    return field && !field.once && !field.onRequest;
  });
  const columns = there.slice(0, COLUMNS);
  // When it came to be is told of whatever has it.
  if (there.includes("created_at") && !columns.includes("created_at") && !columns.includes("not_after")) {
    columns[columns.length - 1] = "created_at";
  }
  return columns;
}

/** The relationships of it whose other ends come along, with their names: those of one type, four at most (lib/limits.h). */
export function includedOf(name: ResourceName, among?: readonly string[]): string[] {
  return Object.entries(resourceOf(name).relationships)
    .filter(([one, field]) => (!among || among.includes(one)) && isResource(field.of) && resourceOf(field.of).types.length === 1)
    .map(([one]) => one)
    .slice(0, 4);
}

export interface Section {
  key: "about" | "when" | "ownership" | "technical" | "belongs";
  names: string[];
}

const PUT_LAST = ["version", "at_us"];

/** The attributes of a thing, in sections. */
export function sectionsOf(name: ResourceName): Section[] {
  const { fields, relationships } = resourceOf(name);
  const shown = Object.keys(fields).filter((one) => !fields[one]?.once);
  const sections: Section[] = [
    { key: "about", names: [] },
    { key: "belongs", names: Object.keys(relationships) },
    { key: "when", names: [] },
    { key: "ownership", names: [] },
    { key: "technical", names: [] },
  ];
  const put = (key: Section["key"], one: string) => sections.find((s) => s.key === key)?.names.push(one);
  const order = (one: string) => (NAMES as readonly string[]).concat(TELLING).indexOf(one) + 1 || 1000;
  for (const one of shown.sort((a, b) => order(a) - order(b))) {
    const kind = fields[one]?.kind;
    if (one === "owner" || one === "metadata" || one === "requestor") {
      put("ownership", one);
    } else if (kind === "time") {
      put("when", one);
    } else if (kind === "hex" || kind === "lines" || PUT_LAST.includes(one)) {
      put("technical", one);
    } else {
      put("about", one);
    }
  }
  return sections.filter((s) => s.names.length > 0);
}

/** What a list may be narrowed by. */
export function filtersOf(name: ResourceName): [string, Field][] {
  const { fields, relationships } = resourceOf(name);
  return [...Object.entries(fields), ...Object.entries(relationships)].filter(([, field]) => field.filter);
}

/** A list that can be narrowed down to what refers to a thing, and by what. */
export interface Referrer {
  resource: ResourceName;
  by: string;
}

/** Where what refers to one of these is found. Certificates of a kind are among all of them. */
export function referrersOf(name: ResourceName): Referrer[] {
  return (Object.keys(RESOURCES) as ResourceName[])
    .filter((one) => resourceOf(one).list && !one.startsWith("cert_"))
    .flatMap((resource) => filtersOf(resource).filter(([, field]) => field.of === name).map(([by]) => ({ resource, by })));
}

/** The list of those that refer to this thing: by its id, or by its name where they name it. */
export function addressOfReferring({ resource, by }: Referrer, name: ResourceName, thing: Thing): string {
  const named = resourceOf(resource).fields[by] !== undefined;
  return `${addressOf(resource)}?${new URLSearchParams({ [`filter[${by}]`]: named ? wordOf(name, thing) : thing.id })}`;
}

export const SIZES = [20, 50, 100] as const;
const FILTER = /^filter\[([a-z0-9_]+)(?:\.([A-Za-z0-9_.-]{1,64}))?\](?:\[(contains|ge|le|lt|gt)\])?$/;

export interface Narrowing {
  /** As it stands in the address. */
  parameter: string;
  attribute: string;
  key?: string;
  how: string;
  value: string;
}

/** What the page's address narrows the list by; whatever the resource can't be filtered by is left out. */
export function narrowingsOf(name: ResourceName, address: URLSearchParams): Narrowing[] {
  const known = new Map(filtersOf(name));
  return [...address].flatMap(([parameter, value]) => {
    const found = FILTER.exec(parameter);
    const attribute = found?.[1] ?? "";
    const field = known.get(attribute);
    const keyed = Boolean(found?.[2]);
    return found && field && value && keyed === (field.kind === "map")
      ? [{ parameter, attribute, how: found[3] ?? "is", value, ...(found[2] && { key: found[2] }) }]
      : [];
  });
}

/** What is asked of the API for the page's address; after: the cursor. */
export function queryOf(name: ResourceName, address: URLSearchParams, after: string | null): Record<string, string> {
  const resource = resourceOf(name);
  if (!resource.sort) {
    return {}; // a list that always comes as a whole
  }
  const narrowings = narrowingsOf(name, address);
  const query = Object.fromEntries(narrowings.map((one) => [one.parameter, one.value]));
  const sort = address.get("sort") ?? "";
  if (resource.fields[sort.replace(/^-/, "")]?.sort) {
    query.sort = sort;
  }
  const included = includedOf(name, [...columnsOf(name), ...narrowings.map((one) => one.attribute)]);
  if (included.length > 0) {
    query.include = included.join(",");
  }
  const size = Number(address.get("size"));
  query["page[size]"] = String(SIZES.find((one) => one === size) ?? SIZES[0]);
  if (after) {
    query["page[after]"] = after;
  }
  return query;
}

/** The parameter of the address for what somebody typed into the search of one attribute. */
export function parameterOf(attribute: string, field: Field, how: string, key = ""): string {
  const name = field.kind === "map" ? `filter[${attribute}.${key}]` : `filter[${attribute}]`;
  const text = field.kind === "text" || field.kind === "texts" || field.kind === "map";
  const part = text && !field.values && !field.of;
  return field.kind === "time" || (field.kind === "int" && how !== "is") ? `${name}[${how}]` : part ? `${name}[contains]` : name;
}

/** Where in the console a thing stands: on a screen of its own, or the generated one. A list is the generated one, which takes any filter. */
export function addressOf(resource: string, id?: string): string {
  return id === undefined ? `/r/${resource}` : (placeOfOne(resource, id) ?? `/r/${resource}/${encodeURIComponent(id)}`);
}

/** What the audit log doesn't call by the resource's name without its "s". */
const AUDITED: Partial<Record<ResourceName, string>> = {
  certificates: "certificate", cert_server: "certificate", cert_client: "certificate", cert_device: "certificate", archived_keys: "certificate", renewal_advice: "certificate",
  batches: "batch", policies: "policy", acme_directories: "acme_directory", saved_queries: "saved_query",
};

/** What the audit log calls it: "role/7". What somebody does with a passkey is told of his account. */
export function auditObjectOf(resource: ResourceName, thing: Thing): string {
  if (resource === "passkeys") {
    return `account/${thing.relationships?.account?.data?.id ?? ""}`;
  }
  return `${AUDITED[resource] ?? resource.replace(/s$/, "")}/${thing.id}`;
}

/** Of what the audit log calls so; null: it has no page of its own. */
export function resourceOfAudited(kind: string): ResourceName | null {
  const names = (Object.keys(RESOURCES) as ResourceName[]).filter((name) => name !== "passkeys" && RESOURCES[name].one);
  return names.find((name) => name === `${kind}s`) ?? names.find((name) => (AUDITED[name] ?? name.replace(/s$/, "")) === kind) ?? null;
}

/** What the log calls what has a page, by which it is looked for. */
export function auditKinds(): { kind: string; resource: ResourceName }[] {
  const names = (Object.keys(RESOURCES) as ResourceName[]).filter((name) => RESOURCES[name].one && RESOURCES[name].types.length === 1 && !/^(cert_|batch_items|job_items|passkeys|audit_|archived_|renewal_|rights|offers|settings|crls|.*_templates|statistics|machine|ca_cert|acme_orders|import_files)/.test(name));
  return names.map((name) => ({ kind: AUDITED[name] ?? name.replace(/s$/, ""), resource: name }));
}

/** What an answer shows this once: what is marked so, and what the resource doesn't have. */
export function onceOf(name: ResourceName, thing: Thing): [string, unknown][] {
  const { fields } = resourceOf(name);
  return Object.entries(thing.attributes ?? {}).filter(([one, value]) => value !== null && value !== "" && (fields[one]?.once ?? !fields[one]));
}
