import { describe, expect, it } from "vitest";
import { RESOURCES } from "../api/resources.gen";
import { ApiError, type ErrorObject } from "../api/client";
import document from "../../openapi.json";
import { describe as tableOf } from "../../scripts/resources.mjs";
import { check, documentOf, errorsAt, keptOf, orderOf, read, valuesOf } from "./typed";
import {
  addressOf,
  addressOfReferring,
  auditObjectOf,
  columnsOf,
  fieldsFor,
  type Field,
  includedOf,
  labelOf,
  membersOf,
  narrowingsOf,
  onceOf,
  type Operation,
  parameterOf,
  permitted,
  queryOf,
  referrersOf,
  resourceOf,
  type ResourceName,
  screenOf,
  sectionsOf,
  visible,
} from "./model";
import { generatedOf } from "./ExpertNav";
import { columnsOfRows, inBrief } from "./Value";

const names = Object.keys(RESOURCES) as ResourceName[];
const ALL = ["read", "audit.read", "accounts.manage", "cas.manage"];

describe("the table", () => {
  it("is what the description of the API says", () => {
    expect(JSON.parse(JSON.stringify(tableOf(document)))).toEqual(JSON.parse(JSON.stringify(RESOURCES)));
  });
  it("has every operation of every path but those of one's own session", () => {
    const listed = names.flatMap((name) => {
      const { list, one, create, update, remove, actions, wide } = resourceOf(name);
      return [list, one, create, update, remove, ...Object.values(actions), ...Object.values(wide)].flatMap((o) => (o ? [`${o.method} ${o.path}`] : []));
    });
    const described = Object.entries(document.paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`));
    expect(listed.sort()).toEqual(described.filter((one) => !/ \/sessions\/\w|^GET \/\w+\/\w/.test(one)).sort());
  });
  it("knows kinds, values, references and secrets", () => {
    const { create, fields } = resourceOf("credentials");
    expect(create?.fields?.kind).toEqual({ kind: "text", values: ["token", "password", "one_time", "certificate"], required: true });
    expect(create?.fields?.account).toEqual({ kind: "text", of: "accounts", relationship: true, required: true });
    expect(fields.secret?.once).toBe(true);
    expect(resourceOf("cert_server").create?.fields?.pkcs12_password?.kind).toBe("secret");
    expect(resourceOf("imports").actions.files).toMatchObject({ raw: true, fields: { name: { kind: "text", required: true } } });
  });
});

describe("screens", () => {
  it("are there for every resource, in one group of the navigation each", () => {
    const grouped = (["authority", "enrolment", "people", "store", "operation"] as const).flatMap(membersOf);
    expect([...grouped].sort()).toEqual([...names].sort());
    expect(names.filter((name) => screenOf(name) === "single")).toEqual(["health", "machine", "statistics"]);
    expect(names.filter((name) => screenOf(name) === "program")).toEqual(["mscep_admin", "openapi.json", "tokens"]);
    expect(names.filter((name) => screenOf(name) === "list" && columnsOf(name).length < 2)).toEqual([]);
  });
  it("are offered by right", () => {
    expect([visible("audit_events", ["read"]), visible("audit_events", ALL), visible("sessions", []), visible("cas", [])]).toEqual([false, true, true, false]);
    expect(generatedOf("operation", ["read"])).not.toContain("audit_events");
    expect(generatedOf("enrolment", ALL)).toEqual(["acme_keys", "acme_accounts", "acme_orders", "mscep_admin"]);
    expect([generatedOf("store", ALL), generatedOf("authority", ALL).includes("policies"), generatedOf("operation", ALL).includes("audit_seals")]).toEqual([[], false, false]);
    const { create, update, list } = resourceOf("roles");
    expect([permitted(create, ["read"]), permitted(update, ALL), permitted(list, ["read"]), permitted(undefined, ALL)]).toEqual([false, true, true, false]);
    // Over a session nobody signs in anew, and nobody fetches a token with a password.
    expect([permitted(resourceOf("sessions").create, ALL), permitted(resourceOf("tokens").create, ALL)]).toEqual([false, false]);
  });
  it("show every attribute in one section", () => {
    for (const name of names) {
      const { fields, relationships } = resourceOf(name);
      const shown = sectionsOf(name).flatMap((section) => section.names);
      expect(shown.sort()).toEqual([...Object.keys(fields).filter((one) => !fields[one]?.once), ...Object.keys(relationships)].sort());
    }
  });
  it("are found from what they refer to, by its id or by its name", () => {
    const ways = (name: ResourceName) => referrersOf(name).map(({ resource, by }) => `${resource}.${by}`);
    expect([ways("accounts"), ways("batches"), ways("est_labels"), ways("roles"), ways("profiles").includes("cert_server.profile")]).toEqual([
      ["credentials.account", "passkeys.account", "sessions.account"], ["batch_items.batch"], ["enrollment_codes.est_label"], ["accounts.role"], false,
    ]);
    const thing = { type: "roles", id: "3", attributes: { name: "shift & leader" } };
    for (const name of names) {
      for (const way of referrersOf(name)) {
        const [path, query] = addressOfReferring(way, name, thing).split("?");
        expect(path).toBe(`/r/${way.resource}`);
        expect(narrowingsOf(way.resource, new URLSearchParams(query)).map((one) => [one.attribute, one.how])).toEqual([[way.by, "is"]]);
      }
    }
    expect(addressOfReferring({ resource: "accounts", by: "role" }, "roles", thing)).toBe("/r/accounts?filter%5Brole%5D=shift+%26+leader");
    expect(addressOfReferring({ resource: "credentials", by: "account" }, "accounts", thing)).toBe("/r/credentials?filter%5Baccount%5D=3");
  });
  it("name and place things", () => {
    expect(labelOf({ type: "roles", id: "3", attributes: { name: "", title: "Clerk" } })).toBe("Clerk");
    expect(labelOf({ type: "job_items", id: "3-1" })).toBe("3-1");
    expect([addressOf("cas", "2"), addressOf("profiles", "3"), addressOf("policies", "4"), addressOf("approvals", "5"), addressOf("imports", "6"), addressOf("jobs", "7")]).toEqual([
      "/hierarchy/2", "/profiles/3", "/policies/4", "/approvals/5", "/imports/6", "/jobs/7",
    ]);
    expect([addressOf("cas"), addressOf("est_labels", "1"), addressOf("certificate", "8")]).toEqual(["/r/cas", "/r/est_labels/1", "/certificates/8"]);
    expect([addressOf("cert_device", "7"), addressOf("certificates"), addressOf("key_stores", "a b/c")]).toEqual(["/certificates/7", "/r/certificates", "/r/key_stores/a%20b%2Fc"]);
    expect(onceOf("credentials", { type: "credentials", id: "1", attributes: { kind: "token", secret: "x" } })).toEqual([["secret", "x"]]);
    expect(includedOf("acme_orders")).toEqual(["account", "directory", "profile"]);
  });
});

it("the audit log has its own names of things", () => {
  const own = {
    certificates: "certificate/7", cert_server: "certificate/7", cert_client: "certificate/7", cert_device: "certificate/7", archived_keys: "certificate/7", renewal_advice: "certificate/7",
    batches: "batch/7", policies: "policy/7", acme_directories: "acme_directory/7", saved_queries: "saved_query/7", passkeys: "account/3",
  } as Record<string, string>;
  // There is one of each, or none, and nothing is told of it.
  const whole = ["health", "machine", "mscep_admin", "openapi.json"];
  for (const name of names) {
    const thing = { type: name, id: "7", relationships: { account: { data: { type: "accounts", id: "3" } } } };
    expect(auditObjectOf(name, thing)).toBe(own[name] ?? `${whole.includes(name) ? name : name.slice(0, -1)}/7`);
  }
});

describe("a list's address", () => {
  const of = (text: string) => queryOf("accounts", new URLSearchParams(text), null);
  it("becomes the API's query; what isn't known is left out", () => {
    expect(of("sort=-created_at&size=50&filter[name][contains]=eva&filter[metadata.site]=Ulm")).toEqual({
      sort: "-created_at", "page[size]": "50", "filter[name][contains]": "eva", "filter[metadata.site]": "Ulm",
    });
    expect(of("sort=email&size=7&filter[password]=x&filter[name][like]=x&filter[metadata]=x&fields[x]=y")).toEqual({ "page[size]": "20" });
    expect(queryOf("credentials", new URLSearchParams(), "cursor")).toEqual({ "page[size]": "20", "page[after]": "cursor", include: "account" });
    expect(queryOf("batch_items", new URLSearchParams("filter[batch]=7"), null).include).toContain("batch"); // to call it by its name
    expect(queryOf("key_stores", new URLSearchParams("filter[name]=x"), null)).toEqual({});
  });
  it("is made of what somebody chose", () => {
    const { fields } = resourceOf("accounts");
    const at = (name: string, how = "is") => parameterOf(name, fields[name] as Field, how, "site");
    expect([at("name"), at("role"), at("enabled"), at("metadata"), at("created_at", "ge")]).toEqual([
      "filter[name][contains]", "filter[role]", "filter[enabled]", "filter[metadata.site][contains]", "filter[created_at][ge]",
    ]);
    expect(narrowingsOf("accounts", new URLSearchParams("filter[created_at][ge]=2026-01-31"))).toEqual([
      { parameter: "filter[created_at][ge]", attribute: "created_at", how: "ge", value: "2026-01-31" },
    ]);
  });
});

describe("a form", () => {
  const role = { type: "roles", id: "4", attributes: { name: "clerk", title: "Clerk", rights: ["read"], owner: null, metadata: { a: "1" }, version: 2 } };
  const update = resourceOf("roles").update as Operation;
  const fields = update.fields ?? {};
  it("sends what was changed, and nothing else", () => {
    const before = valuesOf(fields, role);
    expect(check(fields, before, before)).toEqual({ attributes: {}, relationships: {}, wrong: {} });
    const after = { ...before, title: "", rights: ["read", "audit.read"], metadata: [["b", "2"], ["", "x"]] as [string, string][] };
    const checked = check(fields, after, before);
    expect(documentOf(update, checked, role)).toEqual({
      data: { type: "roles", id: "4", attributes: { title: null, rights: ["read", "audit.read"], metadata: { b: "2" } } },
    });
  });
  it("knows what was emptied and stayed", () => {
    const answer = { ...role, attributes: { ...role.attributes, title: "Clerk" } };
    expect(keptOf(fields, { ...valuesOf(fields, role), title: "" }, answer)).toEqual(["title"]);
    expect(keptOf(fields, { ...valuesOf(fields, role), metadata: [] }, { ...answer, attributes: { title: "Clerk", metadata: null } })).toEqual([]);
  });
  it("leaves out what is empty when one is made, but not what is wanted", () => {
    const create = resourceOf("credentials").create as Operation;
    const some = create.fields ?? {};
    const checked = check(some, { ...valuesOf(some), kind: "token", hours: "x" });
    expect(Object.keys(checked.wrong).sort()).toEqual(["account", "hours"]);
    const good = check(some, { ...valuesOf(some), kind: "token", hours: " 24 ", account: { value: "7", label: "eva" } });
    expect(documentOf(create, good)).toEqual({
      data: { type: "credentials", attributes: { kind: "token", hours: 24 }, relationships: { account: { data: { type: "accounts", id: "7" } } } },
    });
  });
  it("reads each kind", () => {
    const of = (kind: Field["kind"], text: string) => read({ kind }, text);
    expect(of("bool", "false")).toEqual({ value: false });
    expect(of("int", "-12")).toEqual({ value: -12 });
    expect(of("int", "1.5")).toEqual({ wrong: "number" });
    expect(of("json", '{"a": [1]}')).toEqual({ value: { a: [1] } });
    expect(of("json", "{a}")).toMatchObject({ wrong: "json" });
    expect(of("time", "2026-01-31T10:20")).toEqual({ value: expect.stringMatching(/^2026-01-3\dT\d\d:\d0:00Z$/) as unknown });
    expect(read({ kind: "texts" }, [" a ", "", "b"])).toEqual({ value: ["a", "b"] });
    expect(read({ kind: "texts", required: true }, [" "])).toEqual({ wrong: "required" });
  });
  it("takes a relationship away, and keeps what it was", () => {
    const policy = { type: "policies", id: "1", attributes: { name: "p" }, relationships: { ca: { data: { type: "cas", id: "2" } } } };
    const change = resourceOf("policies").update as Operation;
    const before = valuesOf(change.fields ?? {}, policy, { ca: "issuing" });
    expect(before.ca).toEqual({ value: "2", label: "issuing" });
    expect(check(change.fields ?? {}, { ...before, ca: null }, before).relationships).toEqual({ ca: { data: null } });
  });
  it("shows what the server found wrong at its field", () => {
    const errors = [
      { detail: "names/0: wrong", source: { pointer: "/data/attributes/rights/0" } },
      { detail: "there is no such resource", source: { pointer: "/data/relationships/owner" } },
      { detail: "elsewhere", source: { pointer: "/data" } },
    ];
    expect(errorsAt(new ApiError(422, errors as unknown as ErrorObject[], null), fields)).toEqual({ rights: "names/0: wrong", owner: "there is no such resource" });
  });
  it("begins with what has to be there", () => {
    expect(orderOf(resourceOf("roles").create?.fields ?? {})).toEqual(["name", "rights", "title", "profiles", "sign_in", "metadata", "owner"]);
  });
});

it("lists of like things are tables, others aren't", () => {
  expect(columnsOfRows([{ day: "1", n: 2 }, { day: "2", n: 0 }])).toEqual(["day", "n"]);
  expect([columnsOfRows([{ a: 1 }, { b: 1 }]), columnsOfRows([{ a: [1] }, { a: [2] }]), columnsOfRows(["a", "b"]), columnsOfRows([{ a: 1 }])]).toEqual([[], [], [], []]);
});

it("JSON is brief in a table", () => {
  expect([inBrief({ kind: "import", done: 3, more: { a: 1 } }), inBrief(["a", null]), inBrief("x")]).toEqual(["kind: import, done: 3, more: …", "a, –", "x"]);
});

describe("fields that a choice wants", () => {
  const create = resourceOf("credentials").create as Operation;
  it("are there with it alone", () => {
    expect(Object.keys(create.fields ?? {})).toContain("certificate");
    for (const kind of ["", "token", "password", "one_time"]) {
      expect(Object.keys(fieldsFor(create, { kind })), kind).not.toContain("certificate");
    }
    expect(Object.keys(fieldsFor(create, { kind: "certificate" }))).toContain("certificate");
  });
  it("are otherwise all", () => {
    const account = resourceOf("accounts").create as Operation;
    expect(fieldsFor(account, {})).toEqual(account.fields);
  });
});
