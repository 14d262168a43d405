import { describe, expect, it } from "vitest";
import { ApiError, type ErrorObject } from "../api/client";
import { isRunning, percentOf } from "../api/jobs";
import type { Item } from "../api/rest";
import { attributesOfCode, attributesOfDoor, attributesOfKey, commandsOf, externalOf, keyFor, keyLine, nameOfDevice, needsOf, requestLine, rootsOf, usableProfiles, withCode, withKey } from "./enrolment";
import { attributesOfSample, decidedBy, EMPTY_SAMPLE, faultsOf, inOrder, kindedName, memberOf, outcomeOf, type RuleSaid, type Verdict } from "./evaluation";
import { actionsOf, attributesOfCa, BOX, endsSoon, layout, nameOf, type NewCa, newCaFaults, rowsOf, stepOfError, stepReady, treesOf } from "./hierarchy";
import { confOf, lengthOfSeconds, metadataLines, metadataOf, settingFault } from "./settings";
import { auditQuery, base64Of, csvOf, dutiesOf, filledOf, isPem } from "./work";

function ca(id: string, parent: string | null = null, attributes: Record<string, unknown> = {}): Item {
  return { id, type: "cas", attributes: { name: `ca${id}`, status: "active", ...attributes }, relationships: { parent: { data: parent ? { id: parent, type: "cas" } : null } } };
}

describe("the hierarchy", () => {
  const list = [ca("1"), ca("2", "1"), ca("3", "1"), ca("4", "2"), ca("5", "2"), ca("6")];

  it("puts each below its parent, and roots side by side", () => {
    const trees = treesOf(list);
    expect(trees.map((t) => t.id)).toEqual(["1", "6"]);
    expect(rowsOf(trees).map((n) => [n.id, n.level])).toEqual([["1", 0], ["2", 1], ["4", 2], ["5", 2], ["3", 1], ["6", 0]]);
    expect(rowsOf(trees, new Set(["2"])).map((n) => n.id)).toEqual(["1", "2", "3", "6"]);
  });
  it("takes who has no parent here, or stands in a circle, for a root", () => {
    expect(treesOf([ca("2", "9")]).map((t) => t.id)).toEqual(["2"]);
    const circle = treesOf([ca("1", "2"), ca("2", "1")]);
    expect(rowsOf(circle).map((n) => n.id).sort()).toEqual(["1", "2"]);
  });
  it("lays out boxes that don't touch, parents in the middle of what is below them", () => {
    const picture = layout(treesOf(list), [{ signer: "6", subject: "2" }, { signer: "6", subject: "2" }, { signer: "6", subject: "99" }]);
    const at = new Map(picture.places.map((p) => [p.node.id, p]));
    for (const a of picture.places) {
      expect(a.x + BOX.width).toBeLessThanOrEqual(picture.width);
      expect(a.y + BOX.height).toBeLessThanOrEqual(picture.height);
      for (const b of picture.places) {
        expect(a === b || a.x !== b.x || Math.abs(a.y - b.y) >= BOX.height + BOX.down).toBe(true);
      }
    }
    expect(at.get("2")?.y).toBe(((at.get("4")?.y ?? 0) + (at.get("5")?.y ?? 0)) / 2);
    expect(picture.lines.filter((l) => l.cross)).toHaveLength(1);
    expect(picture.lines.filter((l) => !l.cross)).toHaveLength(4);
  });
  it("offers what can be done as things stand", () => {
    expect(actionsOf(ca("1"))).not.toContain("revoke");
    expect(actionsOf(ca("2", "1"))).toEqual(["subordinate", "renew", "rollover", "cross", "makeDefault", "disable", "retire", "revoke"]);
    expect(actionsOf(ca("2", "1", { status: "disabled" }))).toContain("enable");
    expect(actionsOf(ca("2", null, { status: "pending", external: true }))).toEqual(["install", "remove"]);
    expect(actionsOf(ca("2", "1", { status: "retired" }))).toEqual([]);
  });
  it("sees what ends soon", () => {
    const now = Date.parse("2030-01-01");
    const life = (from: string, to: string, status = "active") => ca("1", null, { not_before: from, not_after: to, status });
    expect(endsSoon(life("2020-01-01", "2040-01-01"), now)).toBe(false);
    expect(endsSoon(life("2020-01-01", "2030-06-01"), now)).toBe(true);
    expect(endsSoon(life("2020-01-01", "2030-06-01", "retired"), now)).toBe(false);
  });
});

describe("a new CA", () => {
  const wish: NewCa = {
    kind: "below", parent: "root", cn: "Größte Übung 2", o: "", c: "", name: "", profile: "", keyType: "", keyStore: "", days: "", baseUrl: "", isDefault: false, offline: true,
  };
  it("is named by what people call it", () => {
    expect(nameOf(wish.cn)).toBe("grosste-ubung-2");
    expect(stepReady(wish, 1)).toBe(true);
    expect(stepReady({ ...wish, cn: "" }, 1)).toBe(false);
    expect(stepReady({ ...wish, name: "Not so" }, 1)).toBe(false);
    expect(stepReady({ ...wish, parent: "" }, 0)).toBe(false);
  });
  it("says at the field what can't be", () => {
    expect(newCaFaults(wish)).toEqual({});
    expect(newCaFaults({ ...wish, cn: "東京" })).toEqual({ name: "nameNone" });
    expect(newCaFaults({ ...wish, name: "Not so", c: "Germany", days: "1.5" })).toEqual({ name: "nameWrong", c: "cWrong", days: "daysWrong" });
    expect(stepReady({ ...wish, days: "0" }, 2)).toBe(false);
    expect(stepReady({ ...wish, kind: "external", days: "0" }, 2)).toBe(true);
  });
  it("goes back to the step whose field the server refused", () => {
    expect(stepOfError(["/data/attributes/subject/0/1"])).toBe(1);
    expect(stepOfError([undefined, "/data/attributes/base_url"])).toBe(2);
    expect(stepOfError(["/data/attributes/parent"])).toBe(0);
    expect(stepOfError([undefined, "/data"])).toBeNull();
  });
  it("says no more than was chosen", () => {
    expect(attributesOfCa(wish)).toEqual({ name: "grosste-ubung-2", subject: [["CN", "Größte Übung 2"]], parent: "root" });
    expect(attributesOfCa({ ...wish, kind: "external", days: "7", profile: "sub-ca" })).toEqual({
      name: "grosste-ubung-2", subject: [["CN", "Größte Übung 2"]], external: true,
    });
    expect(attributesOfCa({ ...wish, kind: "root", c: "de", days: "7300" })).toMatchObject({ offline: true, days: 7300, subject: [["CN", wish.cn], ["C", "DE"]] });
  });
});

describe("trials", () => {
  it("takes names for what they look like", () => {
    expect(["a.example", "192.0.2.7", "2001:db8::1", "urn:x:1", "a@b.example", "dns:x", "ip:::1"].map(kindedName)).toEqual([
      "dns:a.example", "ip:192.0.2.7", "ip:2001:db8::1", "uri:urn:x:1", "email:a@b.example", "dns:x", "ip:::1",
    ]);
  });
  it("leaves subject and key to the CSR", () => {
    expect(attributesOfSample({ ...EMPTY_SAMPLE, csr: " PEM ", keyType: "p256", days: "30" })).toEqual({ csr: "PEM\n", days: 30 });
    expect(attributesOfSample({ ...EMPTY_SAMPLE, days: "-1" }, { days: 1 })).toEqual({ subject: { CN: "www.example.com" }, definition: { days: 1 } });
  });
  const rule = (place: number, outcome: RuleSaid["outcome"], policy = "p"): RuleSaid => ({ rule: `r${place}`, place, effect: "require", outcome, policy });
  it("says who decided", () => {
    const refused: Verdict = { outcome: "refused", rules: [rule(1, "holds"), rule(2, "refused")] };
    expect(decidedBy(refused)).toEqual({ by: "policy", rules: [rule(2, "refused")] });
    expect(decidedBy({ outcome: "refused", rules: [], error: { code: "policy", detail: "no", pointer: "days" } }).by).toBe("profile");
    expect(decidedBy({ outcome: "issued", rules: [rule(1, "holds")] }).by).toBe("nobody");
    expect(outcomeOf([rule(1, "approval"), rule(2, "refused")])).toBe("refused");
    expect(outcomeOf([rule(1, "approval")])).toBe("approval");
    expect(outcomeOf([rule(1, "not_matched")])).toBe("issued");
    expect(inOrder([rule(1, "not_bound"), rule(2, "set"), rule(3, "refused", "z"), rule(1, "refused", "a")]).map((r) => `${r.policy ?? ""}${r.place}`)).toEqual(["a1", "z3", "p2", "p1"]);
  });
});

it("what the server says is told at the member that it names", () => {
  expect(memberOf("/data/attributes/rules/0/when")).toBe("rules/0/when");
  expect(memberOf(undefined)).toBe("");
  const at = (pointer: string) => new ApiError(422, [{ detail: "no", source: { pointer: `/data/attributes/${pointer}` } }] as ErrorObject[], null);
  expect(faultsOf(at("definition/days"), "definition")).toEqual({ days: "no" });
  expect(faultsOf(at("rules/0/when"), "rules")).toEqual({ "rules/0/when": "no" });
  expect([faultsOf(at("name"), "definition"), faultsOf(null, "rules")]).toEqual([{}, {}]);
});

it("a setting is held to what it is, and becomes a line", () => {
  const number = { attributes: { section: "va", key: "answer_sec", value_type: "number", minimum: 60, maximum: 864000 } };
  expect(["59", "60", "864000", "864001", "x", ""].map((v) => settingFault(number, v))).toEqual([true, false, false, true, true, true]);
  expect(["", "/a", "a", "/a\nb"].map((v) => settingFault({ attributes: { value_type: "path" } }, v))).toEqual([false, false, true, true]);
  expect(confOf(number, " 90 ")).toBe("[va]\nanswer_sec = 90\n");
  expect([lengthOfSeconds(86400), lengthOfSeconds(5400), lengthOfSeconds(59)]).toEqual([{ unit: "day", count: 1 }, { unit: "minute", count: 90 }, null]);
});

describe("work", () => {
  const item = (attributes: Record<string, unknown>): Item => ({ id: "1", type: "x", attributes });
  it("knows how far a job is", () => {
    expect(percentOf(item({ status: "running", total: 200, done: 49, failed: 2 }))).toBe(25);
    expect(percentOf(item({ status: "running", total: null, done: 4 }))).toBe(null);
    expect(percentOf(item({ status: "done", total: null }))).toBe(100);
    expect(isRunning(item({ status: "queued" }))).toBe(true);
    expect(isRunning(undefined)).toBe(false);
  });
  it("shows what was asked for, but for what is empty, and PEM apart", () => {
    expect(filledOf({ name: "x", subject: { CN: ["a", "b"] }, empty: "", none: null })).toEqual([["name", "x"], ["subject", { CN: ["a", "b"] }]]);
    expect(filledOf(null)).toEqual([]);
    expect([isPem("-----BEGIN CERTIFICATE-----"), isPem("x"), isPem(1)]).toEqual([true, false, false]);
  });
  it("knows whose word is wanted", () => {
    const open = (decisions: unknown[] = [], requestor = "rest:eva") => item({ status: "open", requestor, decisions });
    expect(dutiesOf(open(), "eva", true)).toMatchObject({ mine: true, decide: false, withdraw: true });
    expect(dutiesOf(open(), "max", true)).toMatchObject({ decide: true, withdraw: false });
    expect(dutiesOf(open(), "max", false).decide).toBe(false);
    expect(dutiesOf(open([{ account: "max", approves: true }]), "max", true)).toMatchObject({ decided: true, decide: false });
    expect(dutiesOf(item({ status: "done", requestor: "eva" }), "max", true).decide).toBe(false);
  });
  it("asks the log for what was typed alone", () => {
    expect(auditQuery({ actor: " rest:a&b ", action: "", kind: "", object: "", from: "", to: "" })).toEqual({ "filter[actor]": "rest:a&b" });
    const query = auditQuery({ actor: "", action: "", kind: "", object: "", from: "2030-01-01T00:00", to: "2030-01-01T00:00" });
    const at = Date.parse("2030-01-01T00:00") * 1000;
    expect(query).toEqual({ "filter[at_us][ge]": String(at), "filter[at_us][le]": String(at + 59_999_999) });
  });
  it("writes CSV that no spreadsheet calculates with", () => {
    expect(csvOf([item({ a: "=1+1", b: 'say "x"', c: { d: 1 } })], ["a", "b", "c"])).toBe('"a","b","c"\r\n"\'=1+1","say ""x""","{""d"":1}"\r\n');
  });
  it("encodes texts as UTF-8", () => expect(base64Of("ä")).toBe("w6Q="));
});

describe("doors", () => {
  it("asks for what the protocol calls it", () => {
    const w = { name: " pumps ", ca: "", profile: "device", chosen: ["code"] };
    expect(attributesOfDoor("est_labels", w)).toEqual({ name: "pumps", profile: "device", auth: ["code"] });
    expect(attributesOfDoor("acme_directories", { ...w, ca: "issuing", chosen: ["http-01"] })).toEqual({ name: "pumps", profile: "device", ca: "issuing", challenges: ["http-01"] });
  });
  it("binds codes", () => {
    const door: Item = { id: "1", type: "scep_profiles", attributes: { name: "routers" } };
    expect(attributesOfCode({ door, cn: " r7 ", hours: "48", count: "1" })).toEqual({ scep_profile: "routers", common_name: "r7", hours: 48 });
    expect(attributesOfCode({ door: undefined, cn: "", hours: "", count: "5" })).toEqual({ count: 5 });
  });
  it("says what a new external account key is to be", () => {
    const directory = { type: "acme_directories", id: "1", attributes: { name: "web", settings: { external_account: "required" } } };
    expect(externalOf(directory)).toBe("required");
    expect(externalOf({ ...directory, attributes: { settings: {} } })).toBe("off");
    expect(attributesOfKey({ directory, names: "dns:.a.example\n\n ip:10.0.0.0/8 ", accounts: "3", days: "2" })).toEqual({ directory: "web", hours: 48, max_accounts: 3, names: ["dns:.a.example", "ip:10.0.0.0/8"] });
    expect(attributesOfKey({ directory, names: "", accounts: "1", days: "" })).toEqual({ directory: "web", hours: null });
  });
  it("puts a key into its lines, and nothing that a shell would read", () => {
    const made = (key: string) => ({ type: "acme_keys", id: "1", attributes: { key, commands: { curl: "curl x", lego: 'lego --hmac "$KEY" run', acme_tiny: null } } });
    expect(withKey(made("aB_-9")).attributes.commands).toEqual({ lego: "lego --hmac aB_-9 run", acme_tiny: null });
    expect(withKey(made("$(id)")).attributes.commands).toEqual({ lego: 'lego --hmac "$KEY" run', acme_tiny: null });
  });
  it("leaves out lines that aren't there", () => expect(commandsOf({ a: "curl", b: null, c: "" })).toEqual([{ name: "a", line: "curl" }]));
  it("puts a code that was just made where it goes, and no more than letters and digits", () => {
    const made = (secret: string): Item => ({
      id: "1", type: "enrollment_codes", attributes: { secret, commands: { curl_enroll: "curl -u NAME:SECRET x", certmonger_enroll: "getcert -L CHALLENGE -w", pki: null } },
    });
    expect(withCode(made("ab2")).attributes.commands).toEqual({ curl_enroll: "curl -u code:ab2 x", certmonger_enroll: "getcert -L ab2 -w", pki: null });
    expect(withCode(made("$(id)")).attributes.commands).toMatchObject({ curl_enroll: "curl -u NAME:SECRET x" });
  });
  it("knows what lines need before they can run", () => {
    const lines = (...all: string[]) => all.map((line) => ({ name: "x", line }));
    expect(needsOf(lines("curl --cacert root.pem x"))).toEqual(["root"]);
    expect(needsOf(lines("curl --cacert root.pem -u NAME:SECRET --data-binary @device.csr x", "getcert -L CHALLENGE"))).toEqual(["root", "csr", "secret", "challenge"]);
    expect(needsOf(lines("certbot -d host.example", "curl --cert device.crt --data-binary @next.csr x"))).toEqual(["next", "host"]);
    expect(needsOf(lines("pki --scep --in next.key --cert device.crt --key device.key", "pki --scep --in device.key", "getcert -k device.key"))).toEqual(["key", "nextKey"]);
    expect(needsOf([])).toEqual([]);
  });
  it("writes the name that a code is bound to into the request, and nothing that a shell would read", () => {
    expect(requestLine("pump-7.example", "next", "ed25519")).toBe("openssl req -new -newkey ed25519 -nodes -keyout next.key -subj /CN=pump-7.example -out next.csr");
    expect(keyLine("device", "rsa -pkeyopt rsa_keygen_bits:2048")).toBe("openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out device.key");
    expect(["", "a b", "$(id)", "a/O=b", "-x"].map(nameOfDevice)).toEqual(Array(5).fill("device-1"));
  });
  it("makes keys that the profile takes", () => {
    const profile = (...keys: string[]): Item => ({ id: "1", type: "profiles", attributes: { definition: { keys } } });
    const curve = (name: string) => `ec -pkeyopt ec_paramgen_curve:${name}`;
    const rsa = (bits: number) => `rsa -pkeyopt rsa_keygen_bits:${bits}`;
    expect([keyFor(undefined, "est_labels"), keyFor(undefined, "scep_profiles")]).toEqual([curve("P-256"), rsa(3072)]);
    expect(keyFor(profile("p384", "rsa2048"), "est_labels")).toBe(curve("P-384"));
    expect(keyFor(profile("p384", "rsa>=2048"), "scep_profiles")).toBe(rsa(2048));
    expect(keyFor(profile("mldsa65", "ec>=384"), "scep_profiles")).toBe(curve("P-384"));
    expect(["brainpoolp256r1", "ed25519", "ec>=521", "rsapss>=3072"].map((one) => keyFor(profile(one), "est_labels"))).toEqual([
      curve("brainpoolP256r1"), "ed25519", curve("P-521"), curve("P-256"),
    ]);
  });
  it("offers roots of one's own alone", () => {
    const one = (id: string, attributes: object, parent: string | null = null): Item => ({
      id, type: "cas", attributes: { pem: "PEM", status: "active", ...attributes }, relationships: { parent: { data: parent ? { type: "cas", id: parent } : null } },
    });
    expect(rootsOf([one("1", {}), one("2", {}, "1"), one("3", { external: true }), one("4", { pem: null }), one("5", { status: "revoked" })]).map((ca) => ca.id)).toEqual(["1"]);
  });
  it("offers no profile of the house, of CAs, or that is off", () => {
    const profile = (definition: object): Item => ({ id: "1", type: "profiles", attributes: { definition } });
    expect(usableProfiles([profile({ internal: true }), profile({ ca: true }), profile({ disabled: true }), profile({ days: 1 })])).toHaveLength(1);
  });
});

describe("metadata", () => {
  it("goes to lines and back", () => {
    expect(metadataOf(metadataLines({ site: "Ulm", "a.b": "x: y" }))).toEqual({ site: "Ulm", "a.b": "x: y" });
    expect(metadataOf("no colon")).toBe(null);
    expect(metadataOf("bad key!: x")).toBe(null);
    expect(metadataLines(null)).toBe("");
  });
});
