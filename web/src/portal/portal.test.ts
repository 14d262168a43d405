import { strFromU8, strToU8, unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import { portalAlone } from "../api/session";
import { archiveOf, filesOf, listOf, type Made } from "./archive";
import { MAX_LINES, namesOf, readList, textOf } from "./lists";
import { badOf, checkedOf } from "./Many";
import { wishOf } from "./One";
import deHelp from "../i18n/de/portalHelp";
import enHelp from "../i18n/en/portalHelp";
import { termOf } from "../parts/HelpDrawer";
import { addressOf, placeOf, PLACES } from "./places";
import { passState, wayOf } from "./parts";
import { keyIsThere, LOSSES, REASONS } from "./queries";

const names = (text: string) => {
  const list = readList(text);
  return list ? namesOf(list, list.heading, list.column).map((n) => n.name) : null;
};

describe("lists of serial numbers", () => {
  it.each([
    ["one per line", "SN-1\nSN-2\nSN-3\n"],
    ["as Windows ends lines", "SN-1\r\nSN-2\r\nSN-3"],
    ["as old Macs do", "SN-1\rSN-2\rSN-3"],
    ["with a mark and a heading", "\uFEFFSerial number\nSN-1\nSN-2\nSN-3\n"],
    ["German Excel", "Nr;Seriennummer;Halle\r\n1;SN-1;A\r\n2;SN-2;A\r\n3;SN-3;A\r\n"],
    ["English Excel", "no,serial,hall\n1,SN-1,A\n2,SN-2,A\n3,SN-3,A\n"],
    ["commas, no heading", "SN-1,A,x\nSN-2,A,x\nSN-3,A,x\n"],
    ["quotes", '"Gerät";"Ort"\n"SN-1";"a;b"\n"SN-2";"c ""d"""\n"SN-3";"e\nf"\n'],
    ["tabs, blanks and empty lines", "\n  SN-1 \tA\n\nSN-2\tA\n\n\nSN-3\tA\n\n"],
    ["Excel's own first line", "sep=;\nSN-1;A\nSN-2;A\nSN-3;A"],
  ])("%s", (_, text) => {
    expect(names(text)).toEqual(["SN-1", "SN-2", "SN-3"]);
  });
  it("keep the lines of the file", () => {
    const list = readList('name;text\n\nSN-1;"a\nb"\nSN-2;c\n');
    expect(list && namesOf(list, true, 0)).toEqual([{ line: 3, name: "SN-1" }, { line: 5, name: "SN-2" }]);
  });
  it("may be chosen otherwise, and lack cells", () => {
    const list = readList("a;b\n1;2\n3\n");
    expect(list && namesOf(list, false, 1).map((n) => n.name)).toEqual(["b", "2", ""]);
  });
  it("with nothing in them are none", () => {
    expect([readList(""), readList("\uFEFF\r\n \n;;\n")]).toEqual([null, null]);
  });
  it("of some thousands of lines take no time", () => {
    const begin = performance.now();
    expect(names(Array.from({ length: MAX_LINES }, (_, i) => `SN-${i};${"x".repeat(50)}`).join("\r\n"))?.length).toBe(MAX_LINES);
    expect(performance.now() - begin).toBeLessThan(500);
  });
  it("come in the encodings that there are", () => {
    const utf16 = new Uint8Array([0xff, 0xfe, 0x53, 0, 0x31, 0]);
    expect([textOf(utf16), textOf(strToU8("Gerät")), textOf(new Uint8Array([0x47, 0x65, 0x72, 0xe4, 0x74]))]).toEqual(["S1", "Gerät", "Gerät"]);
    expect(textOf(new Uint8Array([0x50, 0x4b, 3, 4, 0, 0]))).toBeNull();
  });
});

describe("what the server says of lines", () => {
  it("is counted; what has a pass already may go on", () => {
    const c = checkedOf([{ line: 2, name: "a" }, { line: 3, name: "" }, { line: 4, name: "c" }], [{ line: 2, code: "empty" }, { line: 3, code: "exists" }]);
    expect([badOf(c), c.problems.get(1), c.problems.get(2)]).toEqual([1, "empty", "exists"]);
    expect(checkedOf([], [{ line: 1, code: "toString" }]).problems.get(0)).toBe("other");
  });
});

const made = (n: number, more: Partial<Made> = {}): Made => ({
  n, name: `SN/${n}`, certificate: String(n), serial: "0a1b", not_after: "2027-01-31T00:00:00Z", pem: "CERT", chain_pem: "CHAIN", ...more,
});

describe("archives", () => {
  it("have the files and a list of them", () => {
    const words = { listName: "list.csv", listHead: "a;b", readme: "readme.txt", readmeText: "text" };
    const all = [made(1, { pkcs12: btoa("PFX") }), made(2, { private_key_pem: "KEY" }), made(3)];
    const files = unzipSync(archiveOf(all, words));
    expect(Object.keys(files)).toEqual([
      "list.csv", "readme.txt", "0001-SN_1.p12", "0002-SN_2.pem", "0002-SN_2.chain.pem", "0002-SN_2.key.pem", "0003-SN_3.pem", "0003-SN_3.chain.pem",
    ]);
    expect(strFromU8(files["0001-SN_1.p12"] ?? new Uint8Array())).toBe("PFX");
    expect(listOf(all, "a;b").split("\r\n")[1]).toBe('"1";"SN/1";"0A1B";"2027-01-31";"0001-SN_1.p12"');
  });
  it("lead out of no folder, and one is as it is called", () => {
    expect(Object.keys(filesOf(made(1, { name: "../../etc/passwd", pkcs12: "" }), false))[0]).toBe("etc_passwd.pem");
    expect(Object.keys(filesOf(made(1, { name: "" }), true))[0]).toBe("0001-device.pem");
  });
  it("hold no formulas", () => {
    expect(listOf([made(1, { name: "x;=1+1" })], "a;b").split("\r\n")[1]).toContain('"1";"x;\'=1+1";');
  });
});

describe("a pass", () => {
  const at = Date.parse("2026-06-01T00:00:00Z");
  const pass = (status: string, to: string, from = "2026-01-01T00:00:00Z") => passState({ status, not_before: from, not_after: to }, at);
  it("is in plain words", () => {
    expect([
      pass("issued", "2027-01-01T00:00:00Z"), pass("issued", "2026-06-20T00:00:00Z"), pass("issued", "2026-05-01T00:00:00Z"),
      pass("revoked", "2027-01-01T00:00:00Z"), pass("held", "2027-01-01T00:00:00Z"), pass("issued", "2027-01-01T00:00:00Z", "2026-07-01T00:00:00Z"),
    ]).toEqual(["good", "soon", "over", "lost", "paused", "early"]);
  });
  it("is blocked for a reason of the list", () => {
    expect(LOSSES.map((l) => REASONS[l])).toEqual(["keyCompromise", "keyCompromise", "cessationOfOperation", "superseded"]);
  });
  it("is asked for with what is needed", () => {
    const f = { profile: "device", name: " SN-1 ", mine: false, csr: "", p12: true, password: "long enough" };
    expect(wishOf(f)).toEqual({ profile: "device", format: "pkcs12", password: "long enough", lines: ["SN-1"], title: "SN-1" });
    expect([wishOf({ ...f, name: " " }), wishOf({ ...f, password: "short" }), wishOf({ ...f, mine: true })]).toEqual([null, null, null]);
    expect(wishOf({ ...f, p12: false, password: "" })?.password).toBeUndefined();
    expect(wishOf({ ...f, mine: true, csr: " PEM\n" })?.lines).toEqual([{ name: "SN-1", csr: "PEM\n" }]);
  });
});

describe("who belongs here", () => {
  it("is who has his own and sees no more", () => {
    expect([portalAlone(["certificates.own"]), portalAlone(["certificates.own", "read"]), portalAlone([])]).toEqual([true, false, false]);
  });
  it("is told of errors in plain words", () => {
    const way = (status: number, code: string) => wayOf(new ApiError(status, [{ code }], null));
    expect([way(404, "not_found"), way(403, "forbidden"), way(422, "policy"), way(422, "bad_value"), way(409, "conflict"), way(503, "busy")]).toEqual([
      "notFound", "forbidden", "rule", "value", "conflict", "other",
    ]);
  });
});

describe("what can be fetched", () => {
  it("has its secret part until a day after the first time, or the end of all", () => {
    const now = Date.parse("2031-05-10T12:00:00Z");
    expect(keyIsThere(null, "2031-05-20T00:00:00Z", now)).toBe(true);
    expect(keyIsThere(null, "2031-05-10T11:59:59Z", now)).toBe(false);
    expect(keyIsThere("2031-05-09T12:00:01Z", "2031-05-20T00:00:00Z", now)).toBe(true);
    expect(keyIsThere("2031-05-09T12:00:00Z", "2031-05-20T00:00:00Z", now)).toBe(false);
  });
});

describe("help in the portal", () => {
  it("is there for every place, in both languages, in as many steps and terms", () => {
    expect(new Set(PLACES.map((place) => place.help)).size).toBe(PLACES.length - 1); // each has its own; what isn't there has that of the first
    for (const { help } of PLACES) {
      const [en, de] = [enHelp.topics[help], deHelp.topics[help]];
      for (const one of [en, de]) {
        expect(one.title && one.what && one.first && one.terms, help).toBeTruthy();
        expect(one.terms.split("\n").every((line) => termOf(line)[1]), help).toBe(true);
      }
      expect(en.first.split("\n").length, help).toBe(de.first.split("\n").length);
      expect(en.terms.split("\n").length, help).toBe(de.terms.split("\n").length);
    }
  });
  it("is that of the address, and leads on", () => {
    expect(["/", "/devices/7", "/one", "/many", "/asked/7", "/waiting", "/account", "/what"].map((path) => placeOf(path).help)).toEqual([
      "devices", "device", "one", "many", "asked", "waiting", "account", "devices",
    ]);
    expect(PLACES.flatMap((place) => place.related.map(addressOf)).every((to) => PLACES.some((place) => place.path === to && place.nav))).toBe(true);
    expect(addressOf("waiting")).toBe("/waiting");
  });
  it("has no word of a PKI's own", () => {
    const pki = /certificat|zertifikat|\b(pki|ca|csr|pkcs|crl|ocsp|issuer|profile?|tls)\b|private key|privater? schlüssel|revo[ck]|sperrliste/i;
    expect(JSON.stringify([enHelp, deHelp])).not.toMatch(pki);
  });
});
