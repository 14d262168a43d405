// A profile's definition as its form sees it: where each part of the subject comes from, which names are taken, how long a certificate is valid. Each
// function takes the definition and gives one with a change; what isn't changed stays as it was.
import { isObject, isTexts, orNone, put, type Values } from "./schema";

const texts = (definition: Values, name: string): readonly string[] => (isTexts(definition[name]) ? definition[name] : []);
const objectOf = (definition: Values, name: string): Values => (isObject(definition[name]) ? definition[name] : {});
const putTexts = (definition: Values, name: string, list: readonly string[]) => put(definition, name, orNone([...list]));
const putObject = (definition: Values, name: string, object: Values) => put(definition, name, orNone(object));
const withOne = (list: readonly string[], one: string) => (list.includes(one) ? list : [...list, one]);
const without = (list: readonly string[], one: string) => list.filter((other) => other !== one);

// --- the subject ---

/** Who says what stands in a part of the subject: whoever asks, the profile alone, or the profile where nothing is asked for. */
export const SOURCES = ["request", "fixed", "default"] as const;
export type Source = (typeof SOURCES)[number];

const SUBJECT = ["subject_allowed", "subject_required", "subject_fixed", "subject_defaults", "subject_rules"] as const;

/** The attribute types that the definition speaks of, in the order of the description. */
export function subjectTypes(definition: Values, known: readonly string[]): string[] {
  const used = new Set(SUBJECT.flatMap((name) => (isTexts(definition[name]) ? definition[name] : Object.keys(objectOf(definition, name)))));
  return [...known.filter((one) => used.has(one)), ...[...used].filter((one) => !known.includes(one))];
}

export function sourceOf(definition: Values, type: string): Source {
  return Object.hasOwn(objectOf(definition, "subject_fixed"), type) ? "fixed" : Object.hasOwn(objectOf(definition, "subject_defaults"), type) ? "default" : "request";
}

export function subjectValue(definition: Values, type: string): string {
  const value = objectOf(definition, "subject_fixed")[type] ?? objectOf(definition, "subject_defaults")[type];
  return typeof value === "string" ? value : "";
}

export function setSource(definition: Values, type: string, source: Source): Values {
  const value = subjectValue(definition, type);
  let next = putObject(definition, "subject_fixed", put(objectOf(definition, "subject_fixed"), type, source === "fixed" ? value : undefined));
  next = putObject(next, "subject_defaults", put(objectOf(next, "subject_defaults"), type, source === "default" ? value : undefined));
  return source === "request" ? putTexts(next, "subject_allowed", withOne(texts(next, "subject_allowed"), type)) : next;
}

export function setSubjectValue(definition: Values, type: string, value: string): Values {
  const name = sourceOf(definition, type) === "fixed" ? "subject_fixed" : "subject_defaults";
  return putObject(definition, name, put(objectOf(definition, name), type, value));
}

export const isSubjectRequired = (definition: Values, type: string) => texts(definition, "subject_required").includes(type);

export function setSubjectRequired(definition: Values, type: string, required: boolean): Values {
  const list = texts(definition, "subject_required");
  return putTexts(definition, "subject_required", required ? withOne(list, type) : without(list, type));
}

export const subjectRule = (definition: Values, type: string): Values => objectOf(objectOf(definition, "subject_rules"), type);

export function setSubjectRule(definition: Values, type: string, rule: Values): Values {
  return putObject(definition, "subject_rules", put(objectOf(definition, "subject_rules"), type, orNone(rule)));
}

export function addSubject(definition: Values, type: string): Values {
  return putTexts(definition, "subject_allowed", withOne(texts(definition, "subject_allowed"), type));
}

/** The type is out of the subject; its place in the order stays, which does nothing then. */
export function dropSubject(definition: Values, type: string): Values {
  return SUBJECT.reduce(
    (next, name) =>
      next[name] === undefined
        ? next
        : isTexts(next[name])
          ? putTexts(next, name, without(texts(next, name), type))
          : putObject(next, name, put(objectOf(next, name), type, undefined)),
    definition,
  );
}

// --- alternative names ---

export function nameKinds(definition: Values): readonly string[] {
  return texts(definition, "names_allowed");
}

export function addName(definition: Values, kind: string): Values {
  return putTexts(definition, "names_allowed", withOne(nameKinds(definition), kind));
}

export function dropName(definition: Values, kind: string): Values {
  let next = putTexts(definition, "names_allowed", without(nameKinds(definition), kind));
  next = setNameRequired(next, kind, false);
  next = setNameMember(next, "names_max", kind, undefined);
  return setNameMember(next, "names_within", kind, undefined);
}

export const nameMember = (definition: Values, member: "names_max" | "names_within", kind: string) => objectOf(definition, member)[kind];

export function setNameMember(definition: Values, member: "names_max" | "names_within", kind: string, value: unknown): Values {
  return definition[member] === undefined && value === undefined ? definition : putObject(definition, member, put(objectOf(definition, member), kind, value));
}

/** "none" is wanted, "any" of them at least, or "these": at least one of each of some kinds. */
export function namesWanted(definition: Values): "none" | "any" | "these" {
  const value = definition.names_required;
  return isTexts(value) ? "these" : value === true ? "any" : "none";
}

export const isNameRequired = (definition: Values, kind: string) => texts(definition, "names_required").includes(kind);

export function setNameRequired(definition: Values, kind: string, required: boolean): Values {
  const list = texts(definition, "names_required");
  if (!required && !list.includes(kind)) {
    return definition;
  }
  return putTexts(definition, "names_required", required ? withOne(list, kind) : without(list, kind));
}

export function setAnyName(definition: Values, wanted: boolean): Values {
  return put(definition, "names_required", wanted ? true : undefined);
}

// --- validity ---

export const UNITS = ["days", "hours", "minutes"] as const;
export type Unit = (typeof UNITS)[number];
const memberFor = (most: boolean, unit: Unit) => (most ? `max_${unit}` : unit);

/** A length and its unit; null when it is said in none, "several" when in more than one. */
export function lengthOf(definition: Values, most: boolean): { unit: Unit; value: unknown } | "several" | null {
  const said = UNITS.filter((unit) => definition[memberFor(most, unit)] !== undefined);
  const unit = said[0];
  return said.length > 1 ? "several" : unit ? { unit, value: definition[memberFor(most, unit)] } : null;
}

export function setLength(definition: Values, most: boolean, unit: Unit, value: unknown): Values {
  const others = UNITS.filter((one) => one !== unit).reduce((next, one) => (next[memberFor(most, one)] === undefined ? next : put(next, memberFor(most, one), undefined)), definition);
  return put(others, memberFor(most, unit), value);
}

/** Without an end there is no length, and with one there are both. */
export function setNoExpiry(definition: Values, on: boolean): Values {
  if (!on) {
    return { ...put(definition, "no_expiry", undefined), days: 365, max_days: 3650 };
  }
  return { ...Object.fromEntries(Object.entries(definition).filter(([name]) => !UNITS.some((unit) => name === unit || name === `max_${unit}`))), no_expiry: true };
}

// --- keys ---

export const FAMILIES = ["ranges", "ec", "rsa", "rsapss", "ed", "mldsa", "slhdsa", "mlkem", "curves"] as const;
export type Family = (typeof FAMILIES)[number];
const USUAL = ["p256", "p384", "p521", "brainpoolp256r1", "brainpoolp384r1", "brainpoolp512r1"];

export function familyOf(key: string): Family {
  if (key.includes(">=") || ["mldsa", "slhdsa", "mlkem"].includes(key)) {
    return "ranges";
  }
  if (USUAL.includes(key)) {
    return "ec";
  }
  return (["rsapss", "rsa", "mldsa", "slhdsa", "mlkem"] as const).find((one) => key.startsWith(one)) ?? (key.startsWith("ed") ? "ed" : "curves");
}
