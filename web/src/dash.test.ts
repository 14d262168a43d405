// Help of every place, the command palette's search, errors and titles in the reader's language.
import { describe, expect, it } from "vitest";
import { helpOf, HELP, targetOf } from "./help";
import deHelp from "./i18n/de/help";
import enHelp from "./i18n/en/help";
import builtin from "./i18n/german/builtin";
import errors from "./i18n/german/errors";
import { translated } from "./i18n/say";
import { type Command, fitting, grouped, plain, score, serialOf } from "./palette";
import { termOf } from "./parts/HelpDrawer";
import { PLACES } from "./places";
import { problemOf } from "./screens/Machine";
import { bytes } from "./format";

describe("help", () => {
  it("is there for every place", () => {
    for (const place of PLACES) {
      expect(helpOf(place.path.replace(/:\w+/g, "7")), place.path).not.toBeNull();
    }
  });
  it("says something in both languages, in as many steps and terms", () => {
    for (const { topic } of Object.values(HELP)) {
      const [en, de] = [enHelp.topics[topic], deHelp.topics[topic]];
      for (const one of [en, de]) {
        expect(one.title && one.what && one.first && one.terms, topic).toBeTruthy();
        expect(one.terms.split("\n").every((line) => termOf(line)[1]), topic).toBe(true);
      }
      expect(en.first.split("\n").length, topic).toBe(de.first.split("\n").length);
      expect(en.terms.split("\n").length, topic).toBe(de.terms.split("\n").length);
    }
  });
  it("is that of the longest address", () => {
    expect(helpOf("/")?.topic).toBe("dashboard");
    expect(helpOf("/certificates")?.topic).toBe("certificates");
    expect(helpOf("/certificates/12/chain")?.topic).toBe("certificate");
    expect(helpOf("/r/tenants/3")?.topic).toBe("tenants");
    expect(helpOf("/r/lines")?.topic).toBe("resources");
    expect(helpOf("/policies/new")?.topic).toBe("policies");
    expect(helpOf("/nothing")).toBeNull();
  });
  it("leads on to places that there are, and that one may go to", () => {
    const all = [...PLACES.flatMap((place) => place.right ?? []), "accounts.manage"];
    for (const [at, { related }] of Object.entries(HELP)) {
      expect(related.filter((to) => !targetOf(to, all) || to === at), at).toEqual([]);
    }
    expect([targetOf("/audit", ["read"]), targetOf("/r/accounts", []), targetOf("/r/roles", ["read"])]).toEqual([undefined, undefined, { resource: "roles" }]);
    expect([targetOf("/policies", all), targetOf("/r/nothing", all)]).toEqual([undefined, undefined]);
  });
});

describe("the command palette", () => {
  const one = (text: string, kind: Command["kind"] = "place", also?: string): Command => ({ id: text, kind, text, also, run: () => undefined });
  it("looks past case and accents", () => {
    expect(plain("Übersicht")).toBe("ubersicht");
    expect(score("ubers", "Übersicht")).toBe(3);
    expect(score("zert ausst", "Zertifikat ausstellen")).toBe(2);
    expect(score("stellen", "Zertifikat ausstellen")).toBe(1);
    expect(score("xyz", "Zertifikat ausstellen")).toBe(0);
  });
  it("puts the best first and keeps the order of equals", () => {
    const found = fitting("cert", [one("Issue a certificate"), one("Certificates"), one("Jobs"), one("Your account", "place", "certainly")]);
    expect(found.map((c) => c.text)).toEqual(["Certificates", "Issue a certificate", "Your account"]);
    expect(fitting("", [one("B"), one("A")]).map((c) => c.text)).toEqual(["B", "A"]);
  });
  it("groups by kind", () => {
    expect(grouped([one("x", "action"), one("y"), one("z", "action")]).map((g) => [g.kind, g.commands.length])).toEqual([["place", 1], ["action", 2]]);
  });
  it("knows a serial number from a name", () => {
    expect(serialOf("0A:1B:2C:3D:4E")).toBe("0a1b2c3d4e");
    expect(serialOf("deadbeef.example")).toBeNull();
    expect(serialOf("cafe")).toBeNull();
  });
});

describe("an error in German", () => {
  it("is found by its text, with the values in place", () => {
    expect(translated({ detail: "cn is longer than 64 bytes", meta: { text: "{1} is longer than {2} bytes", values: ["cn", "64"] } }, errors)).toBe(
      "cn ist länger als 64 Bytes",
    );
    expect(translated({ detail: "attributes have to be an object" }, errors)).toBe("attributes müssen ein Objekt sein");
  });
  it("is found without its text as well, and inside another one", () => {
    expect(translated({ detail: "certification request: tag 0x00 where 0x30 is wanted", meta: { text: "{1}", values: ["x"] } }, errors)).toBe(
      "certification request: Tag 0x00, wo 0x30 gebraucht wird",
    );
    expect(translated({ detail: "profile: days: a number from 1 to 36525 is wanted" }, errors)).toBe("Profil: days: eine Zahl von 1 bis 36525 wird gebraucht");
    const nested = { detail: "x", meta: { text: "settings: {1}: {2}", values: ["url", "a whole number from 1 to 5 is wanted"] } };
    expect(translated(nested, errors)).toBe("settings: url: eine ganze Zahl von 1 bis 5 wird gebraucht");
  });
  it("leaves values that look like text of ours or like markup as they are", () => {
    const hostile = "<img src=x onerror=alert(1)> {1} $& \\1";
    expect(translated({ detail: "x", meta: { text: "{1} has to be a string", values: [hostile] } }, errors)).toBe(`${hostile} muss ein Text sein`);
    expect(translated({ detail: "x", meta: { text: "constructor", values: [] } }, errors)).toBeNull();
  });
  it("is null when nobody translated it, and quick about it", () => {
    const begin = performance.now();
    expect(translated({ detail: `${"a: ".repeat(2000)}b` }, errors)).toBeNull();
    expect(performance.now() - begin).toBeLessThan(1000);
    expect(translated({}, errors)).toBeNull();
  });
  it("says titles of what comes along", () => {
    expect(builtin["TLS server"]).toBe("TLS-Server");
    expect(builtin["revoke certificates, hold and release them"]).toMatch(/sperren/);
  });
});

describe("the machine", () => {
  it("has words for every problem, and for those that it doesn't know", () => {
    expect(problemOf("disk_low")).toBe("disk_low");
    expect(problemOf("constructor")).toBe("other");
  });
  it("says octets in their unit", () => {
    expect(bytes("en", 12_100_000)).toMatch(/^12\.1\sMB$/);
    expect(bytes("de", 0)).toMatch(/0/);
  });
});
