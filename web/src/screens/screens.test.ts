import { describe, expect, it } from "vitest";
import type { Ca, Certificate, Profile } from "../api/queries";
import { chainOf } from "./Certificate";
import { successorOf } from "./certificate/dialogs";
import { add, addressWith, choiceOf, columnsOf, conditionsOf, exportOf, FIRST_COLUMNS, queryOf } from "./inventory";
import { deedOf } from "./inventory/Many";
import { attributesOfWish, collectionOf, offered, type Wish } from "./Issue";

describe("the inventory's query", () => {
  const query = (text: string, after: string | null = null) => queryOf(new URLSearchParams(text), after);
  it("asks for a page and nothing else", () => {
    expect(query("")).toEqual({ "page[size]": "20" });
  });
  it("takes what it knows and leaves out the rest", () => {
    expect(query("name=m7&status=revoked&sort=-not_after&size=50&evil=1", "abc")).toEqual({
      "filter[common_name][contains]": "m7", "filter[status]": "revoked", sort: "-not_after", "page[size]": "50", "page[after]": "abc",
    });
    expect(query("status=gone&sort=der&size=100000&before=soon")).toEqual({ "page[size]": "20" });
  });
  it("reads a serial number however it is written", () => {
    expect(query("serial=0A:1B 2c")).toEqual({ "filter[serial]": "0a1b2c", "page[size]": "20" });
    expect(query("serial=zz")).toEqual({ "page[size]": "20" });
  });
  it("asks for metadata by its key, which is one", () => {
    expect(query("metadata=Ulm&key=site")).toEqual({ "filter[metadata.site][contains]": "Ulm", "page[size]": "20" });
    expect(query("metadata=Ulm&key=a%5D%5Bb")).toEqual({ "page[size]": "20" });
  });
});

describe("conditions", () => {
  const of = (text: string) => conditionsOf(new URLSearchParams(text), "2026-11-22");
  it("are what the API is asked for", () => {
    expect(queryOf(new URLSearchParams("filter[status][in]=issued,held&filter[owner][contains]=Eva&filter[metadata.site]=Ulm&sort=not_after"), null)).toEqual({
      "filter[status][in]": "issued,held", "filter[owner][contains]": "Eva", "filter[metadata.site]": "Ulm", sort: "not_after", "page[size]": "20",
    });
  });
  it("are left out when they aren't any", () => {
    for (const text of ["filter[der]=x", "filter[status][contains]=x", "filter[metadata]=x", "filter[metadata.a b]=x", "filter[owner.x]=y", "filter[not_after][lt]=soon",
      "filter[serial]=abc", "filter[names][in]=a,b", "filter[owner][contains]=", `filter[owner]=${"x".repeat(513)}`, "filter[__proto__]=x"]) {
      expect(of(text), text).toEqual([]);
    }
  });
  it("of days before one begin today", () => {
    expect(of("before=2026-12-01")).toEqual([
      { attribute: "not_after", op: "ge", value: "2026-11-22" }, { attribute: "not_after", op: "lt", value: "2026-12-01" },
    ]);
  });
  it("of an attribute with few values mean one or another", () => {
    const one = add([], { attribute: "status", op: "eq", value: "issued" });
    expect(one).toEqual([{ attribute: "status", op: "eq", value: "issued" }]);
    const two = add(one, { attribute: "status", op: "eq", value: "held" });
    expect(two).toEqual([{ attribute: "status", op: "in", value: "issued,held" }]);
    expect(add(two, { attribute: "status", op: "eq", value: "held" })).toEqual(two);
    expect(add([{ attribute: "issuer", op: "eq", value: "a" }], { attribute: "issuer", op: "eq", value: "b, c" })).toEqual([{ attribute: "issuer", op: "eq", value: "b, c" }]);
    expect(add([{ attribute: "owner", op: "contains", value: "a" }], { attribute: "owner", op: "contains", value: "b" })).toEqual([{ attribute: "owner", op: "contains", value: "b" }]);
  });
  it("stay with the page's order and columns", () => {
    const to = addressWith(new URLSearchParams("sort=-not_after&size=50&columns=owner&name=x&evil=1"), of("filter[owner]=eva"));
    expect(Object.fromEntries(to)).toEqual({ "filter[owner]": "eva", sort: "-not_after", size: "50", columns: "owner" });
  });
  it("mean the same for what is done to many", () => {
    expect(choiceOf(of("filter[status][in]=issued,held&filter[owner][contains]=Eva&filter[owner]=eva&filter[metadata.site]=Ulm&filter[not_after][lt]=2027-01-01&filter[serial]=00AB"))).toEqual({
      status: { in: ["issued", "held"] }, owner: { contains: "Eva", eq: "eva" }, metadata: { site: { eq: "Ulm" } }, not_after: { lt: "2027-01-01" }, serial: "00ab",
    });
  });
});

describe("columns", () => {
  it("are those that there are, with the name first", () => {
    expect(columnsOf(["owner", "der", "metadata.site", "metadata.a b", "owner"])).toEqual(["common_name", "owner", "metadata.site"]);
    expect(columnsOf(["<script>"])).toEqual(FIRST_COLUMNS);
  });
  it("go into the file", () => {
    const at = new URL(exportOf(new URLSearchParams("filter[owner]=a%26b&size=50"), "csv", ["common_name", "metadata.site"]), "https://h.example");
    expect(at.pathname).toBe("/api/v2.0/certificates/export");
    expect(Object.fromEntries(at.searchParams)).toEqual({ format: "csv", bom: "true", columns: "id,common_name,metadata.site", "filter[owner]": "a&b" });
  });
});

describe("what is done", () => {
  const form = { reason: "superseded", owner: " ", noOwner: false, pairs: [] as [string, string][], remove: "" };
  it("says the reason, and nothing that was left empty", () => {
    expect(deedOf("revoke", form)).toEqual({ path: "revoke", members: { reason: "superseded" } });
    expect(deedOf("release", form)).toEqual({ path: "revoke", members: { reason: "removeFromCRL" } });
    expect(deedOf("update", form)).toBeNull();
    expect(deedOf("update", { ...form, pairs: [["a b", "x"]] })).toBeNull();
    expect(deedOf("update", { ...form, noOwner: true, pairs: [["room", "5"]], remove: "a, b" })).toEqual({
      path: "update", members: { owner: null, metadata_set: { room: "5" }, metadata_remove: ["a", "b"] },
    });
  });
  it("asks for a successor", () => {
    expect(successorOf("same", { csr: "x", days: "30", p12: true, password: "y" })).toEqual({ action: "renew", attributes: { cert_days: 30 } });
    expect(successorOf("csr", { csr: " PEM ", days: "", p12: true, password: "y" })).toEqual({ action: "rekey", attributes: { csr: "PEM\n" } });
    expect(successorOf("here", { csr: "x", days: "", p12: true, password: "y" })).toEqual({ action: "rekey", attributes: { pkcs12_password: "y" } });
  });
});

describe("a request for a certificate", () => {
  const empty: Wish = {
    own: false, csr: "", profile: "server", ca: "", cn: " m7.example ", dns: "", days: "", owner: "", o: "", ou: "", c: "", keyType: "", p12: false, password: "x",
    ip: "", email: "", uri: "", st: "", l: "", serialNumber: "", metadata: [],
  };
  it("has nothing in it that was left empty", () => {
    expect(attributesOfWish(empty)).toEqual({ profile: "server", cn: "m7.example" });
  });
  it("has the key's type and password only when the key is made here", () => {
    const wish = { ...empty, keyType: "p384", p12: true, password: " secret " };
    expect(attributesOfWish(wish)).toMatchObject({ key_type: "p384", pkcs12_password: " secret " });
    const own = attributesOfWish({ ...wish, own: true, csr: "PEM" });
    expect(own).toMatchObject({ csr: "PEM\n" });
    expect(own).not.toHaveProperty("key_type");
    expect(own).not.toHaveProperty("pkcs12_password");
  });
  it("has numbers as numbers and names as lists", () => {
    expect(attributesOfWish({ ...empty, days: "30", dns: "a.example b.example" })).toMatchObject({ cert_days: 30, dns: ["a.example", "b.example"] });
  });
  it("has further names and metadata, each in its place", () => {
    const wish = { ...empty, ip: "10.1.2.3, fd00::7", email: "a@b.example", uri: "urn:a;b,c\nurn:d", serialNumber: "7", metadata: [["site", "Ulm"], ["", ""]] as Wish["metadata"] };
    expect(attributesOfWish(wish)).toMatchObject({
      ip: ["10.1.2.3", "fd00::7"], email: ["a@b.example"], uri: ["urn:a;b,c", "urn:d"], serial_number: "7", metadata: { site: "Ulm" },
    });
  });
  it("goes where its profile is asked for", () => {
    expect([collectionOf("cert_client"), collectionOf("cert_device"), collectionOf("certificate"), collectionOf(undefined)]).toEqual([
      "cert_client", "cert_device", "cert_server", "cert_server",
    ]);
  });
  it("isn't offered what the house keeps for itself", () => {
    const profile = (name: string, definition: object) => ({ id: name, type: "profiles", attributes: { name, definition } }) as unknown as Profile;
    const all = [profile("server", { days: 397 }), profile("ocsp-signer", { internal: true }), profile("sub-ca", { ca: true })];
    expect(offered(all).map((p) => p.id)).toEqual(["server"]);
  });
});

describe("a certificate's chain", () => {
  const to = (id: string | null) => ({ data: id ? { type: "cas", id } : null });
  const ca = (id: string, parent: string | null) => ({ id, type: "cas", relationships: { parent: to(parent) } }) as unknown as Ca;
  const leaf = { id: "9", type: "cert_server", relationships: { ca: to("3") } } as unknown as Certificate;
  it("goes from the root down", () => {
    expect(chainOf(leaf, [ca("1", null), ca("2", "1"), ca("3", "2")]).map((c) => c.id)).toEqual(["1", "2", "3"]);
  });
  it("ends where it bites its own tail, and where somebody is missing", () => {
    expect(chainOf(leaf, [ca("2", "3"), ca("3", "2")]).map((c) => c.id)).toEqual(["2", "3"]);
    expect(chainOf(leaf, [])).toEqual([]);
  });
});
