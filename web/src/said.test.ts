import { describe, expect, it } from "vitest";
import actionsDe from "./i18n/de/actions";
import actionsEn from "./i18n/en/actions";
import errors from "./i18n/german/errors";
import { germanReason, reasoned, translated } from "./i18n/say";
import { audited, whoOf } from "./parts/audited";
import { commonNameOf, titlesOf } from "./parts/Titled";
import { fitting } from "./parts/Choose";
import { readWhen, shownWhen, wayOfWhen } from "./parts/when";
import { addressOf } from "./resources/model";
import { usesOf } from "./screens/uses";
import { auditQuery } from "./screens/work";

describe("what a rule says in German", () => {
  it("stands in the place of its message", () => {
    const meta = { text: '{1} (policy "{2}")', values: ["at most ten days", "short"], message_de: "höchstens zehn Tage" };
    expect(translated({ detail: 'at most ten days (policy "short")', meta }, errors)).toBe("höchstens zehn Tage (Richtlinie „short“)");
  });
  it("so it does in texts that were kept", () => {
    const kept = (detail: string) => translated({ detail, meta: { message_de: "höchstens zehn Tage" } }, errors);
    expect(kept('at most ten days (policy "short")')).toBe("höchstens zehn Tage (Richtlinie „short“)");
    expect(kept("at most ten (10) days (policy short, rule days)")).toBe("höchstens zehn Tage (Richtlinie short, Regel days)");
    expect(kept("others have to approve it: at most (policy short, rule days)")).toBe("andere müssen zustimmen: höchstens zehn Tage (Richtlinie short, Regel days)");
  });
  it("is an approval's reason where one of the rules gave it", () => {
    const approvers = [{ message: "a", message_de: "ä" }, null, { message: "b" }];
    expect([germanReason({ reason: "a", approvers }), germanReason({ reason: "b", approvers }), germanReason({ reason: "a" })]).toEqual(["ä", undefined, undefined]);
  });
});

describe("what jobs keep", () => {
  it("is said in German", () => {
    expect(translated({ detail: "file root.pem, item 1" }, errors)).toBe("Datei root.pem, Stück 1");
    expect(translated({ detail: "ca/3: CA without its key, CN=Old Root" }, errors)).toBe("CA 3: CA ohne ihren Schlüssel, CN=Old Root");
  });
});

describe("a request that can't be read", () => {
  it("is said plainly, with the technical cause apart", () => {
    const meta = { text: "this can't be read as a certificate request, which begins with -----BEGIN CERTIFICATE REQUEST-----: {1}", values: ["certification request: tag 0x9e where 0x30 is wanted"] };
    const said = reasoned({ text: translated({ detail: "x", meta }, errors) ?? "" });
    expect(said.text).toBe("Das lässt sich nicht als Zertifikatsantrag (CSR) lesen. Ein solcher beginnt mit -----BEGIN CERTIFICATE REQUEST-----.");
    expect(said.reason).toBe("certification request: Tag 0x9e, wo 0x30 gebraucht wird");
    expect(reasoned({ text: "a: b" })).toEqual({ text: "a: b" });
  });
});

describe("the audit log", () => {
  it("has a word for each action, and no two the same", () => {
    expect(new Set(Object.values(actionsDe)).size).toBe(Object.keys(actionsEn).length);
    expect(new Set(Object.values(actionsEn)).size).toBe(Object.keys(actionsEn).length);
  });
  it("leads to what it is about", () => {
    const to = (object: string) => {
      const found = audited(object);
      return found && addressOf(found.resource, found.id);
    };
    expect(["certificate/17", "ca/2/serial/0a1b", "policy/3", "account/4", "job/5", "est_label/6"].map(to)).toEqual(
      ["/certificates/17", "/hierarchy/2", "/policies/3", "/r/accounts/4", "/jobs/5", "/r/est_labels/6"],
    );
    expect(["account/0", "request/abc", "toString/1", "", "x/1"].map(to)).toEqual([null, null, null, null, null]);
  });
  it("says who without the way in", () => {
    expect(["rest:anna", "est:CN=d7", "setup", "engine:clerk"].map(whoOf)).toEqual(["anna", "CN=d7 (EST)", "setup", "engine:clerk"]);
  });
  it("asks by kind and number", () => {
    const of = (part: object) => auditQuery({ actor: "", action: "", kind: "", object: "", from: "", to: "", ...part });
    expect(of({ kind: "certificate", object: "17" })).toEqual({ "filter[object]": "certificate/17" });
    expect(of({ kind: "certificate" })).toEqual({ "filter[object][contains]": "certificate/" });
    expect(of({ object: "ca/2/serial/0a" })).toEqual({ "filter[object]": "ca/2/serial/0a" });
    expect(of({ actor: "anna" })).toEqual({ "filter[actor]": "rest:anna" });
  });
  it("is chosen from by parts of words", () => {
    const choices = [{ value: "certificate.issued", label: "Zertifikat ausgestellt" }, { value: "ca.created", label: "CA angelegt" }];
    expect(fitting(choices, "AUSGE zert").map((c) => c.value)).toEqual(["certificate.issued"]);
    expect(fitting(choices, "ca.cr").map((c) => c.value)).toEqual(["ca.created"]);
    expect(fitting(choices, "").length).toBe(2);
  });
});

describe("what a certificate is good for", () => {
  it("is said in the language, purposes first", () => {
    expect(usesOf(["digitalSignature"], ["serverAuth", "1.2.3"], "de")).toEqual(["TLS-Server", "1.2.3", "digitale Signaturen"]);
    expect(usesOf(["digitalSignature"], [], "en")).toEqual(["digital signatures"]);
  });
});

describe("dates that are typed", () => {
  it("follow the console's language, whatever the browser's is", () => {
    expect(wayOfWhen("de", true)).toBe("TT.MM.JJJJ HH:MM");
    expect(shownWhen("de", "2030-01-31T10:20")).toBe("31.01.2030 10:20");
    expect(readWhen("de", "31.1.2030", false)).toBe("2030-01-31");
    expect(readWhen("de", "31.01.2030 9:05", true)).toBe("2030-01-31T09:05");
    expect(readWhen("en", shownWhen("en", "2030-02-01"), false)).toBe("2030-02-01");
  });
  it("are taken as ISO 8601 in every language, and a day is its beginning", () => {
    expect([readWhen("de", "2030-01-31", true), readWhen("en", "2030-01-31T23:59", true)]).toEqual(["2030-01-31T00:00", "2030-01-31T23:59"]);
  });
  it("are none when there is no such day or time", () => {
    expect(["31.02.2030", "1.1.30", "2030-01-3", "morgen", "", "1.1.2030 10:00 x", "00.01.2030"].map((t) => readWhen("de", t, true))).toEqual([null, null, null, null, null, null, null]);
    expect([readWhen("de", "1.1.2030 24:00", true), readWhen("de", "1.1.2030 10:00", false)]).toEqual([null, null]);
  });
});

describe("CAs and profiles", () => {
  it("are called by their titles where these tell them apart", () => {
    expect([commonNameOf("CN=Example\\, Issuing,O=Example"), commonNameOf("O=x, CN=y"), commonNameOf("OCN=z"), commonNameOf(undefined)]).toEqual(["Example, Issuing", "y", "", ""]);
    const title = titlesOf([{ name: "a", title: "A" }, { name: "b", title: "same" }, { name: "c", title: "same" }, { name: "d", title: "" }]);
    expect(["a", "b", "c", "d", "gone"].map(title)).toEqual(["A", "b", "c", "d", "gone"]);
  });
});
