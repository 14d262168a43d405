import { describe, expect, it } from "vitest";
import type { Ca, Certificate, Profile } from "../api/queries";
import { chainOf } from "./Certificate";
import { isFiltered, queryOf } from "./inventory";
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
  it("knows whether something narrows it", () => {
    expect(isFiltered(new URLSearchParams("sort=not_after&size=50"))).toBe(false);
    expect(isFiltered(new URLSearchParams("owner=eva"))).toBe(true);
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
