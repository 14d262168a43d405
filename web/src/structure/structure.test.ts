import { describe, expect, it } from "vitest";
import { STRUCTURES } from "../api/structures.gen";
import { RESOURCES } from "../api/resources.gen";
import { addressOfSaved, conditionsOf, unknownIn } from "../screens/inventory";
import de from "../i18n/de/structures";
import en from "../i18n/en/structures";
import { attributesOf, type Condition, HOWS, howsOf, kindFor, printCondition, readCondition, type Term, termFault } from "./condition";
import { readJson, writeJson } from "./json";
import {
  addName, addSubject, dropName, dropSubject, familyOf, FAMILIES, lengthOf, nameKinds, setAnyName, setLength, setNameMember, setNameRequired, setNoExpiry, setSource, setSubjectRequired, setSubjectRule,
  setSubjectValue, sourceOf, SOURCES, subjectTypes, subjectValue,
} from "./profile";
import { approversOf, BEGINNINGS, effectOf, EFFECTS, freeName, POINTERS, withApprovers, withEffect } from "./rules";
import { aboutOffer, addOffer, dropOffer, hasDefault, inOrder, isOrderable, nameFault, renameOffer, setDefault } from "./offers";
import { boundOf, faultAt, fits, isObject, move, put, type Schema, unknownOf, type Values, wayOf } from "./schema";
import { memberIn, valueIn } from "./words";

const profiles = Object.entries(import.meta.glob<{ definition: Values }>("../../templates/profiles/*.json", { eager: true, import: "default" }));
const policies = Object.entries(import.meta.glob<{ policy: { rules: Values[]; condition?: string; operations?: string[] } }>("../../templates/policies/*.json", { eager: true, import: "default" }));
const DOCUMENT = STRUCTURES.policy_document;
const PROFILE = STRUCTURES.profile_definition;
const OFFER = STRUCTURES.acme_directory_profiles.additionalProperties as Schema;

describe("JSON as it is typed", () => {
  it("is read like the browser's own reader does", () => {
    for (const text of ['{"a": [1, -2.5e3, true, false, null, "x\\n\\u00e4\\"\\\\"], "b": {}}', " [ ] ", '"x"', "0", '{"a":{"b":[[]]}}']) {
      expect(readJson(text)).toEqual({ value: JSON.parse(text) as unknown, fault: null });
    }
  });
  it.each([
    ["", 1, 1, "empty"], ['{\n "a": 1,\n x}', 3, 2, "key"], ['{"a" 1}', 1, 6, "colon"], ["[1 2]", 1, 4, "comma"], ["[1, ]", 1, 3, "last"], ['{"a": 1,\n}', 1, 8, "last"], ['{"a": 1, "a": 2}', 1, 10, "twice"], ['["a\nb"]', 1, 4, "text"],
    ['{"a": [1', 1, 9, "end"], ["[01]", 1, 2, "number"], ["[9007199254740993]", 1, 2, "large"], ["[1e999]", 1, 2, "large"], ['["\\x"]', 1, 4, "escape"], ["{} x", 1, 4, "after"], ["[tru]", 1, 2, "value"], ["[".repeat(80), 1, 66, "deep"], ["'a'", 1, 1, "empty"],
  ] as const)("says where and why %j isn't any", (text, line, column, cause) => {
    expect(readJson(text).fault).toMatchObject({ line, column, cause });
  });
  it("comes back as it went", () => {
    for (const value of [{ a: [1, "b", null], b: { c: {}, d: [{ e: [] }] } }, [], {}, [[1], [2]], "x", null]) {
      expect(readJson(writeJson(value)).value).toEqual(value);
    }
    expect(Object.keys(readJson('{"b": 1, "__proto__": {"x": 1}, "a": 2}').value as object)).toEqual(["b", "__proto__", "a"]);
  });
});

describe("every profile that comes with the product", () => {
  it("is there", () => {
    expect(profiles.length).toBeGreaterThanOrEqual(20);
  });
  it.each(profiles)("%s goes through form and text unchanged", (_, { definition }) => {
    expect(JSON.stringify(readJson(writeJson(definition)).value)).toBe(JSON.stringify(definition));
    expect(unknownOf(PROFILE, definition)).toEqual([]);
    for (const [name, value] of Object.entries(definition)) {
      expect([name, fits(PROFILE.properties?.[name] ?? {}, value)]).toEqual([name, true]);
    }
    // Each part is set to what it is.
    let same: Values = definition;
    for (const type of subjectTypes(definition, PROFILE.properties?.subject_allowed?.items?.enum ?? [])) {
      same = setSubjectRequired(setSource(same, type, sourceOf(same, type)), type, ((definition.subject_required ?? []) as string[]).includes(type));
      same = sourceOf(same, type) === "request" ? same : setSubjectValue(same, type, subjectValue(same, type));
    }
    for (const most of [false, true]) {
      const length = lengthOf(same, most);
      expect(length).not.toBe("several");
      same = length && length !== "several" ? setLength(same, most, length.unit, length.value) : same;
    }
    for (const kind of nameKinds(same)) {
      same = addName(same, kind);
    }
    const sorted = (one: Values) => JSON.stringify(Object.entries(one).sort(([a], [b]) => a.localeCompare(b)));
    // A value that the profile gives is taken from the request as well where the template says both.
    expect(sorted(same)).toBe(sorted(definition));
  });
});

describe("a profile's definition", () => {
  it("says who gives a part of the subject", () => {
    let d: Values = { extra: { kept: true }, subject_allowed: ["CN"] };
    d = setSource(addSubject(d, "O"), "O", "fixed");
    d = setSubjectValue(d, "O", "Example");
    expect(d).toEqual({ extra: { kept: true }, subject_allowed: ["CN", "O"], subject_fixed: { O: "Example" } });
    d = setSource(d, "O", "default");
    expect([d.subject_fixed, d.subject_defaults, subjectValue(d, "O")]).toEqual([undefined, { O: "Example" }, "Example"]);
    d = setSubjectRule(setSubjectRequired(d, "CN", true), "CN", { max: 20 });
    expect(dropSubject(dropSubject(d, "O"), "CN")).toEqual({ extra: { kept: true } });
  });
  it("says which names are taken", () => {
    let d = addName({}, "dns");
    d = setNameMember(setNameRequired(d, "dns", true), "names_within", "dns", ["example.com"]);
    expect(d).toEqual({ names_allowed: ["dns"], names_required: ["dns"], names_within: { dns: ["example.com"] } });
    expect(dropName(d, "dns")).toEqual({});
    expect(setAnyName(setAnyName({}, true), false)).toEqual({});
  });
  it("has one length in one unit", () => {
    expect(setLength({ days: 3, max_days: 9 }, false, "hours", 12)).toEqual({ max_days: 9, hours: 12 });
    expect(lengthOf({ days: 1, hours: 2 }, false)).toBe("several");
    expect(setNoExpiry({ days: 3, max_hours: 9, keys: [] }, true)).toEqual({ keys: [], no_expiry: true });
  });
  it("has each type of key in a family", () => {
    const keys = PROFILE.properties?.keys?.items?.["x-siegel-values"] ?? [];
    expect(keys.length).toBeGreaterThan(50);
    expect(new Set(keys.map(familyOf))).toEqual(new Set(FAMILIES));
  });
  it("every member is reached by a section", () => {
    const reached = (PROFILE["x-siegel-sections"] ?? []).flatMap(([, members]) => members);
    expect([...reached].sort()).toEqual(Object.keys(PROFILE.properties ?? {}).sort());
  });
});

describe("conditions", () => {
  const all = policies.flatMap(([, { policy }]) => [policy.condition, ...policy.rules.flatMap((r) => [r.when, r.require])]).filter((one): one is string => typeof one === "string");
  const own = Object.values(BEGINNINGS).flatMap((r) => [(r as Values).when, (r as Values).require]).filter((one): one is string => typeof one === "string");
  it("of the examples, and of rules to begin with, are lines and the same path again", () => {
    expect(all.length).toBeGreaterThan(10);
    for (const path of [...all, ...own]) {
      const read = readCondition(path, DOCUMENT);
      expect([path, read && printCondition(read, DOCUMENT)]).toEqual([path, path]);
    }
  });
  it("that say more than lines stay paths", () => {
    for (const path of ['$.days <= 90 && ($.key.family == "rsa" || $.days > 3)', "$.body.x == 1", "$.days  <= 90", '$.a == "', "exists($.names[*] ? (@ starts with \"ip:\"))", "$.days <= 90 || $.days > 3 && $.days > 4", "$.key.bits / 2 > 3", '$.metadata.n == 5']) {
      expect([path, readCondition(path, DOCUMENT)]).toEqual([path, null]);
    }
  });
  it("are lines for each attribute and each comparison that there is", () => {
    const used = new Set<string>();
    for (const { name, kind } of attributesOf(DOCUMENT)) {
      for (const how of howsOf(kind, DOCUMENT["x-siegel-operators"] ?? {})) {
        used.add(how);
        const number = kind === "integer" || how === "countMost" || how === "countLeast";
        const value = how === "exists" || how === "missing" ? "" : number ? "7" : kind === "boolean" ? "true" : how === "oneOf" || how === "eachWithin" ? "a.example\nb-c.example" : 'x"\\.^$ä';
        const term: Term = { of: name.endsWith(".") ? `${name}the site` : name, how, value };
        expect(termFault(term, DOCUMENT)).toBeNull();
        for (const join of ["all", "any"] as const) {
          const c: Condition = { join, terms: [term, { of: "days", how: "less", value: "3" }] };
          expect(readCondition(printCondition(c, DOCUMENT), DOCUMENT)).toEqual(c);
        }
      }
    }
    expect([...used].sort()).toEqual([...HOWS].sort());
  });
  it("know what is missing in a line", () => {
    expect(termFault({ of: "metadata.", how: "is", value: "x" }, DOCUMENT)).toBe("attribute");
    expect(termFault({ of: "days", how: "less", value: "x" }, DOCUMENT)).toBe("number");
    expect(termFault({ of: "owner", how: "is", value: " " }, DOCUMENT)).toBe("value");
    expect(kindFor(DOCUMENT, "flavour")).toBeUndefined();
  });
});

describe("rules", () => {
  it.each(policies)("of %s have one effect, which is set to what it is", (_, { policy }) => {
    for (const rule of policy.rules) {
      const effect = effectOf(rule);
      expect(effect).not.toBeNull();
      expect(unknownOf(STRUCTURES.policy_rules.items ?? {}, rule)).toEqual([]);
      const { count, by, who } = approversOf(rule);
      expect(effect === "approve" ? withApprovers(rule, { count, by, who }) : rule).toEqual(rule);
    }
    expect(JSON.stringify(readJson(writeJson(policy.rules)).value)).toBe(JSON.stringify(policy.rules));
    expect((policy.operations ?? []).filter((one) => !DOCUMENT.properties?.operation?.enum?.includes(one))).toEqual([]);
  });
  it("change their effect in its place, and keep what isn't known", () => {
    expect(JSON.stringify(withEffect({ name: "x", refuse: true, odd: 1 }, "default"))).toBe('{"name":"x","default":{"days":90},"odd":1}');
    expect(effectOf({ refuse: true, require: "x" })).toBeNull();
    expect(withApprovers({ approve: { count: 1, right: "a" } }, { by: "role" })).toEqual({ approve: { count: 1, role: "" } });
    expect(freeName([{ name: "a" }, { name: "a 2" }], "a")).toBe("a 3");
  });
});

describe("what an ACME directory offers", () => {
  const two: Values = { classic: { profile: "server", default: true, caa: false }, short: { profile: "server-short", default: false, odd: 1 } };
  it("has one default, whatever is added, taken away or chosen", () => {
    const one = addOffer({}, "server");
    expect(one).toEqual({ all: { server: { profile: "server", default: true } }, name: "server" });
    const again = addOffer(one.all, "server");
    expect(again.name).toBe("server-2");
    expect(hasDefault(again.all)).toBe(true);
    expect(setDefault(again.all, "server-2")).toEqual({ server: { profile: "server", default: false }, "server-2": { profile: "server", default: true } });
    expect(dropOffer(two, "classic")).toEqual({ short: { profile: "server-short", default: true, odd: 1 } });
    expect(dropOffer(two, "short")).toEqual({ classic: two.classic });
    expect([hasDefault({ a: {}, b: {} }), hasDefault({ a: {} }), hasDefault(two)]).toEqual([false, true, true]);
    expect(dropOffer({ a: {} }, "a")).toEqual({});
  });
  it("is called what clients can write, in its place and once", () => {
    expect(Object.keys(renameOffer(two, "classic", "a.b-c_1"))).toEqual(["a.b-c_1", "short"]);
    expect(["", "-a", "a b", "ä", "a".repeat(65), "short", "classic", "90"].map((typed) => nameFault(two, "classic", typed))).toEqual(["empty", "form", "form", "form", "form", "taken", null, null]);
    expect(new RegExp(STRUCTURES.acme_directory_profiles.propertyNames?.pattern ?? "").test("a".repeat(64))).toBe(true);
    expect(addOffer({}, "two words").name).toBe("profile");
    // A browser puts names that are numbers first.
    expect(inOrder({ b: {}, 90: {}, c: {} }, ["b", "90", "gone"])).toEqual(["b", "90", "c"]);
  });
  it("knows which of them a refusal is about", () => {
    expect(aboutOffer(two, 'profiles: short: "x" isn\'t known')).toBe("short");
    expect(aboutOffer(two, 'profiles: "classic" wants CAA records asked for')).toBe("classic");
    expect(aboutOffer(two, 'profiles: "server-short" takes no names of hosts')).toBe("short");
    expect(aboutOffer(two, "profiles: one of them has to be the default")).toBeUndefined();
  });
  it("is of profiles by which ACME can issue", () => {
    const usable = profiles.filter(([, { definition }]) => isOrderable(definition)).map(([file]) => file.replace(/.*\//, ""));
    expect(usable).toContain("server.json");
    expect(usable.some((file) => file.includes("root-ca") || file.includes("ocsp"))).toBe(false);
  });
});

describe("a search that is kept", () => {
  it("is the inventory's address, and what that doesn't know is told", () => {
    const query = { "filter[status]": "revoked", "filter[any.1][owner][contains]": "line", sort: "-not_after", "filter[flavour]": "x" };
    expect(addressOfSaved(query, ["common_name", "owner"])).toBe("/certificates?filter%5Bstatus%5D=revoked&filter%5Bany.1%5D%5Bowner%5D%5Bcontains%5D=line&sort=-not_after&filter%5Bflavour%5D=x&columns=common_name%2Cowner");
    expect(unknownIn(query)).toEqual([["filter[flavour]", "x"]]);
    expect(conditionsOf(new URLSearchParams(query)).length).toBe(2);
  });
});

describe("a schema", () => {
  it("says how each member is edited: none is left out", () => {
    const odd: string[] = [];
    const walk = (schema: Schema, path: string) => {
      for (const [name, one] of Object.entries(schema.properties ?? {})) {
        if (wayOf(one) === "other" && !one.items?.properties) {
          odd.push(`${path}${name}`);
        }
        walk(one, `${path}${name}.`);
      }
    };
    for (const name of ["profile_definition", "est_label_settings", "scep_profile_settings", "acme_directory_settings"] as const) {
      walk(STRUCTURES[name], "");
    }
    // These have fields of their own (ProfileForm, NamesFields).
    expect(odd).toEqual(["names_required", "policies"]);
  });
  it("keeps what isn't changed", () => {
    expect(JSON.stringify(put({ a: 1, b: 2, c: 3 }, "b", 4))).toBe('{"a":1,"b":4,"c":3}');
    expect(put({ a: 1 }, "a", undefined)).toEqual({});
    expect([move(["a", "b", "c"], 0, 2), move(["a"], 0, 1)]).toEqual([["b", "c", "a"], ["a"]]);
    expect(faultAt({ "rules/0/default/days": "no" }, "rules/0/default")).toBe("no");
    expect([boundOf({ minimum: 1, maximum: 3 }, "0"), boundOf({ minimum: 1, maximum: 3 }, "4"), boundOf({}, "x"), boundOf({ minimum: 1, maximum: 3 }, "2")]).toEqual(["small", "large", "number", null]);
  });
  it("is there for whatever a resource names", () => {
    const named = JSON.stringify(RESOURCES).match(/"schema":"(\w+)"/g) ?? [];
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((one) => !Object.hasOwn(STRUCTURES, one.slice(10, -1)))).toEqual([]);
  });
});

describe.each([["en", en], ["de", de]] as const)("words in %s", (_, all) => {
  it("are there for every member and every text", () => {
    const missing: string[] = [];
    const walk = (structure: string, schema: Schema, path: string) => {
      for (const [name, one] of Object.entries(schema.properties ?? {})) {
        const here = path ? `${path}.${name}` : name;
        if (!memberIn(all, structure, here)) {
          missing.push(`${structure}: ${here}`);
        }
        const words = [...(one.enum ?? []), ...(one.items?.enum ?? []), ...(name === "keys" ? [] : (one.items?.["x-siegel-values"] ?? []))];
        missing.push(...words.filter((word) => !valueIn(all, here, word)).map((word) => `${structure}: ${here} = ${word}`));
        walk(structure, one.type === "array" && isObject(one.items) && one.items.properties ? one.items : one, here);
      }
    };
    for (const name of ["profile_definition", "est_label_settings", "scep_profile_settings", "acme_directory_settings"] as const) {
      walk(name, STRUCTURES[name], "");
    }
    walk("acme_directory_profiles", OFFER, "");
    for (const { name, schema } of attributesOf(DOCUMENT)) {
      missing.push(...(name.startsWith("subject.") || valueIn(all, "attribute", name) ? [] : [`attribute ${name}`]), ...(schema.enum ?? []).filter((one) => !valueIn(all, name, one)).map((one) => `${name} = ${one}`));
    }
    missing.push(...(PROFILE["x-siegel-sections"] ?? []).map(([name]) => name).filter((name) => !(name in all.sections) || !(name in all.sectionTexts)));
    missing.push(...EFFECTS.filter((one) => !valueIn(all, "effect", one)), ...POINTERS.filter((one) => !valueIn(all, "pointer", one)), ...SOURCES.filter((one) => !valueIn(all, "source", one)), ...HOWS.filter((one) => !(one in all.hows)));
    missing.push(...Object.keys(BEGINNINGS).filter((one) => !(one in all.beginnings)));
    expect(missing).toEqual([]);
  });
});
