// What somebody typed into a generated form, and the document that becomes of it.
import type { ApiError } from "../api/client";
import type { Field, Fields, Operation, Thing } from "./model";

/** One chosen thing: what is sent, and what people read. */
export interface Choice {
  value: string;
  label: string;
}

/** As a form keeps it: text as typed, a list, pairs, or what was chosen from another resource. */
export type Typed = string | string[] | [string, string][] | Choice | null;
export type Values = Readonly<Record<string, Typed>>;

const isPairs = (field: Field, value: Typed): value is [string, string][] => field.kind === "map" && Array.isArray(value);

/** 2026-01-31T10:20, as a browser's field for instants has it, in the browser's own time. */
function localTime(text: string): string {
  const when = new Date(text);
  const two = (n: number) => String(n).padStart(2, "0");
  return Number.isNaN(when.getTime())
    ? ""
    : `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}T${two(when.getHours())}:${two(when.getMinutes())}`;
}

/** What the form shows at first of a value as the API has it. */
export function typedOf(field: Field, value: unknown): Typed {
  if (field.kind === "texts") {
    return Array.isArray(value) ? value.map(String) : [];
  }
  if (field.kind === "map") {
    return value && typeof value === "object" ? Object.entries(value).map(([key, text]) => [key, String(text)] as [string, string]) : [];
  }
  if (value === null || value === undefined) {
    return field.of && field.kind !== "json" ? null : "";
  }
  if (field.kind === "json") {
    return JSON.stringify(value, null, 2);
  }
  if (field.kind === "time") {
    return localTime(String(value));
  }
  return field.of ? { value: String(value), label: String(value) } : String(value);
}

/** The form of a thing that is changed, or of nothing. */
export function valuesOf(fields: Fields, thing?: Thing, labels: Readonly<Record<string, string>> = {}): Values {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const other = field.relationship ? thing?.relationships?.[name]?.data : undefined;
      if (field.relationship) {
        return [name, other ? { value: other.id, label: labels[name] ?? other.id } : null];
      }
      return [name, typedOf(field, thing?.attributes?.[name])];
    }),
  );
}

export type Wrong = { wrong: "json" | "number" | "required"; why?: string };
export type Read = { value: unknown } | Wrong;

const isEmpty = (value: Typed) => value === null || value === "" || (Array.isArray(value) && value.length === 0);

/** What is sent for it. Nothing typed is undefined: it isn't sent. */
export function read(field: Field, typed: Typed): Read {
  if (isEmpty(typed)) {
    return field.required ? { wrong: "required" } : { value: undefined };
  }
  if (isPairs(field, typed)) {
    return { value: Object.fromEntries(typed.filter(([key]) => key.trim()).map(([key, text]) => [key.trim(), text])) };
  }
  if (Array.isArray(typed)) {
    const list = (typed as string[]).map((one) => one.trim()).filter(Boolean);
    return list.length === 0 && field.required ? { wrong: "required" } : { value: list };
  }
  const text = typed !== null && typeof typed === "object" ? typed.value : (typed ?? "");
  switch (field.kind) {
    case "int":
      return /^-?\d{1,15}$/.test(text.trim()) ? { value: Number(text) } : { wrong: "number" };
    case "bool":
      return { value: text === "true" };
    case "time":
      return { value: new Date(text).toISOString().replace(/\.\d+Z$/, "Z") };
    case "json":
      try {
        return { value: JSON.parse(text) as unknown };
      } catch (error) {
        return { wrong: "json", why: error instanceof Error ? error.message : "" };
      }
    default:
      return { value: text };
  }
}

const same = (a: Typed | undefined, b: Typed | undefined) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

export interface Checked {
  attributes: Record<string, unknown>;
  relationships: Record<string, { data: { type: string; id: string } | null }>;
  wrong: Record<string, Wrong>;
}

/** What becomes of what was taken out: a list and pairs are sent empty, all else as null. */
function emptied(field: Field): unknown {
  return field.kind === "texts" ? [] : field.kind === "map" ? {} : null;
}

/** What was emptied and is there all the same, by the answer: not everything can be taken away. */
export function keptOf(fields: Fields, values: Values, thing: Thing): string[] {
  const there = (name: string) => ![null, undefined, ""].includes(thing.attributes?.[name] as null);
  return Object.keys(fields).filter((name) => !fields[name]?.relationship && fields[name]?.kind !== "texts" && isEmpty(values[name] ?? null) && there(name));
}

/** All that was typed, read. before: only what differs from it is sent, as a change has it. */
export function check(fields: Fields, values: Values, before?: Values): Checked {
  const found: Checked = { attributes: {}, relationships: {}, wrong: {} };
  for (const [name, field] of Object.entries(fields)) {
    const typed = values[name] ?? null;
    if (before && same(typed, before[name])) {
      continue;
    }
    const one = read(field, typed);
    if ("wrong" in one) {
      found.wrong[name] = one;
    } else if (field.relationship) {
      if (one.value !== undefined || before) {
        found.relationships[name] = { data: one.value === undefined ? null : { type: field.of ?? "", id: String(one.value) } };
      }
    } else if (one.value !== undefined) {
      found.attributes[name] = one.value;
    } else if (before) {
      found.attributes[name] = emptied(field);
    }
  }
  return found;
}

/** The JSON:API document of it. */
export function documentOf(operation: Operation, checked: Checked, thing?: Thing): { data: Record<string, unknown> } {
  const links = Object.keys(checked.relationships).length > 0 && { relationships: checked.relationships };
  const update = operation.method === "PATCH" && thing;
  return { data: { type: update ? thing.type : operation.type, ...(update && { id: thing.id }), attributes: checked.attributes, ...links } };
}

/** Which field each error of the answer is about, with its text; what is about none of them stays out. */
export function errorsAt(error: ApiError, fields: Fields): Record<string, string> {
  const found: Record<string, string> = {};
  for (const one of error.errors) {
    const place = /^\/data\/(?:attributes|relationships)\/([^/]+)/.exec(one.source?.pointer ?? "")?.[1] ?? one.source?.parameter;
    if (place && Object.hasOwn(fields, place) && one.detail && !found[place]) {
      found[place] = one.detail;
    }
  }
  return found;
}

/** The names of an operation's fields in the order of a form: what has to be there first, whose it is last. */
export function orderOf(fields: Fields): string[] {
  const first = ["name", "cn", "title", "kind", "subject", "role", "account", "template", "profile", "ca", "parent"];
  const last = ["owner", "metadata"];
  const rank = (name: string) =>
    (fields[name]?.required ? 0 : 100) + (last.includes(name) ? 90 : first.includes(name) ? first.indexOf(name) : fields[name]?.kind === "json" ? 60 : 50);
  return Object.keys(fields).sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}
