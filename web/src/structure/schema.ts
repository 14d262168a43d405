// What a structured value is made of, as the API's description says it (JSON Schema), and what an editor does with one: plain functions, tested without a
// browser. A value is never made anew: a change touches what was changed, and everything else stays as it was, also what nobody here knows.

export interface Schema {
  type?: string;
  description?: string;
  properties?: Readonly<Record<string, Schema>>;
  additionalProperties?: boolean | Schema;
  required?: readonly string[];
  items?: Schema;
  anyOf?: readonly Schema[];
  enum?: readonly string[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  minProperties?: number;
  maxProperties?: number;
  pattern?: string;
  propertyNames?: Schema;
  "x-siegel-sections"?: readonly (readonly [string, readonly string[]])[];
  "x-siegel-order"?: readonly string[];
  "x-siegel-values"?: readonly string[];
  "x-siegel-unit"?: string;
  "x-siegel-resource"?: string;
  "x-siegel-condition"?: boolean;
  "x-siegel-operators"?: Readonly<Record<string, readonly string[]>>;
}

export type Values = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Values => typeof value === "object" && value !== null && !Array.isArray(value);
export const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((one) => typeof one === "string");

/** An object with one member changed, in its place; undefined takes it out. */
export function put(object: Values, name: string, value: unknown): Values {
  if (value === undefined) {
    return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
  }
  return { ...object, [name]: value };
}

/** Nothing in it: an empty object or list says what its absence says, for members whose default is "none". */
export const orNone = <T extends object>(value: T): T | undefined => (Object.keys(value).length === 0 ? undefined : value);

/** A list with the item at one place moved to another. */
export function move<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = list.filter((_, i) => i !== from);
  const one = list[from];
  return one === undefined || to < 0 || to >= list.length ? [...list] : [...rest.slice(0, to), one, ...rest.slice(to)];
}

/** Texts that the form offers; open: others are possible. */
export function wordsOf(schema: Schema | undefined): { words: readonly string[]; open: boolean } {
  const closed = schema?.enum ?? schema?.items?.enum;
  return closed ? { words: closed, open: false } : { words: schema?.["x-siegel-values"] ?? schema?.items?.["x-siegel-values"] ?? [], open: true };
}

/** Which way of editing a value has. */
export type Way = "flag" | "number" | "choice" | "text" | "checks" | "order" | "lines" | "map" | "object" | "lists" | "other";
export function wayOf(schema: Schema): Way {
  if (schema.type === "boolean") {
    return "flag";
  }
  if (schema.type === "integer") {
    return "number";
  }
  if (schema.type === "string") {
    return schema.enum ? "choice" : "text";
  }
  if (schema.type === "array") {
    return schema.items?.enum ? "checks" : schema.items?.["x-siegel-values"] ? "order" : schema.items?.type === "string" ? "lines" : "other";
  }
  if (schema.type === "object" && schema.properties) {
    const all = Object.values(schema.properties);
    return all.length > 0 && all.every((one) => wayOf(one) === "lines") ? "lists" : "object";
  }
  return schema.type === "object" && isObject(schema.additionalProperties) ? "map" : "other";
}

/** Whether the form can show the value as it is. */
export function fits(schema: Schema, value: unknown): boolean {
  if (value === undefined) {
    return true;
  }
  switch (wayOf(schema)) {
    case "flag":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number" && Number.isInteger(value);
    case "choice":
    case "text":
      return typeof value === "string";
    case "checks":
    case "order":
    case "lines":
      return isTexts(value);
    case "map":
      return isObject(value) && Object.values(value).every((one) => typeof one === "string");
    case "lists":
      return isObject(value) && Object.values(value).every(isTexts);
    case "object":
      return isObject(value);
    default:
      return true;
  }
}

/** The members of a value that its schema doesn't know. */
export function unknownOf(schema: Schema, value: unknown): string[] {
  return isObject(value) ? Object.keys(value).filter((name) => !Object.hasOwn(schema.properties ?? {}, name)) : [];
}

/** The fault at a place, by the places that the server names; of a place below it as well. */
export function faultAt(faults: Readonly<Record<string, string>>, path: string): string | undefined {
  const found = Object.entries(faults).find(([place]) => place === path || place.startsWith(`${path}/`));
  return found?.[1];
}

/** Which bound a number breaks. */
export function boundOf(schema: Schema, text: string): "number" | "small" | "large" | null {
  if (!/^-?\d{1,15}$/.test(text.trim())) {
    return "number";
  }
  const n = Number(text);
  return n < (schema.minimum ?? -Infinity) ? "small" : n > (schema.maximum ?? Infinity) ? "large" : null;
}
