// Every resource, attribute, action and value of the API has its words, in German and in English.
import { describe, expect, it } from "vitest";
import { RESOURCES } from "../api/resources.gen";
import de from "../i18n/de/resources";
import en from "../i18n/en/resources";
import { type Fields, isResource, type Operation, type ResourceName } from "./model";
import { actionIn, valueIn, wordIn } from "./words";

const names = Object.keys(RESOURCES) as ResourceName[];

/** What has no words: as text, such as "cas.subject". */
function missing(all: typeof en, table: typeof RESOURCES): string[] {
  const found: string[] = [];
  const fields = (resource: string, some: Fields) => {
    for (const [name, field] of Object.entries(some)) {
      if (!wordIn(all.attributes, all.own, resource, name)) {
        found.push(`${resource}.${name}`);
      }
      found.push(...(field.values ?? []).filter((value) => !valueIn(all, resource, name, value)).map((value) => `${resource}.${name} = ${value}`));
      if (field.of && !isResource(field.of)) {
        found.push(`${resource}.${name} of ${field.of}`);
      }
    }
  };
  for (const [resource, one] of Object.entries(table)) {
    const own = (all.resources as Record<string, { title?: string; one?: string; purpose?: string; first?: string; create?: string } | undefined>)[resource];
    if (!own?.title || !own.one || !own.purpose || !own.first) {
      found.push(resource);
    }
    if (one.create?.fields && one.create.right !== "public" && one.create.right !== "basic" && !own?.create) {
      found.push(`${resource}: create`);
    }
    fields(resource, one.fields);
    fields(resource, one.relationships);
    const operations: Operation[] = [one.list, one.one, one.create, one.update, one.remove, ...Object.values(one.actions), ...Object.values(one.wide)].filter((o) => o !== undefined);
    for (const operation of operations) {
      fields(resource, operation.fields ?? {});
      if (!["account", "public", "basic"].includes(operation.right) && !(operation.right in all.rights)) {
        found.push(`right ${operation.right}`);
      }
    }
    found.push(...Object.keys({ ...one.actions, ...one.wide }).filter((name) => !actionIn(all, resource, name)?.text).map((name) => `${resource}/${name}`));
  }
  return [...new Set(found)];
}

describe.each([["en", en], ["de", de]] as const)("words in %s", (_, all) => {
  it("are there for all of the API", () => {
    expect(missing(all as typeof en, RESOURCES)).toEqual([]);
  });
  it("aren't there for what the API hasn't", () => {
    const known = (word: string) => isResource(word.split(".")[0]) || word.startsWith("openapi.json");
    expect([...Object.keys(all.own), ...Object.keys(all.help).filter((word) => word.includes("."))].filter((word) => !known(word))).toEqual([]);
    expect(Object.keys(all.resources).sort()).toEqual([...names].sort());
  });
});

it("a resource, attribute, action or value without words is noticed", () => {
  const odd = { ...RESOURCES.roles, fields: { flavour: { kind: "text" } }, actions: { paint: { method: "POST", path: "/roles/{id}/paint", right: "roles.paint" } } };
  const status = { ...RESOURCES.jobs, fields: { status: { kind: "text", values: ["asleep"] } } };
  const table = { ...RESOURCES, roles: odd, jobs: status, oddities: { ...RESOURCES.roles } } as typeof RESOURCES;
  expect(missing(en, table)).toEqual(["right roles.paint", "roles.flavour", "roles/paint", "jobs.status = asleep", "oddities", "oddities: create"].sort((a, b) => missing(en, table).indexOf(a) - missing(en, table).indexOf(b)));
  expect(missing(en, table)).toHaveLength(6);
});
