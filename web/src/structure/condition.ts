// Conditions of policies: SQL/JSON paths (doc/policies.md) as terms of a form, and back. A path that the form's terms can't say exactly stays a path.
import type { Schema } from "./schema";

/** What a term compares: "days", "key.bits", "subject.O", "metadata.site", "names". */
export interface Term {
  of: string;
  how: How;
  /** A text, a number as text, "true" or "false"; of several one a line. */
  value: string;
}
export const HOWS = ["is", "isnt", "oneOf", "begins", "matches", "less", "atMost", "more", "atLeast", "exists", "missing", "countMost", "countLeast", "someBegin", "eachMatch", "eachWithin"] as const;
export type How = (typeof HOWS)[number];
export interface Condition {
  join: "all" | "any";
  terms: Term[];
}
export type Kind = "integer" | "string" | "boolean" | "list" | "names";

const OPERATORS: Partial<Record<How, string>> = { is: "==", less: "<", atMost: "<=", more: ">", atLeast: ">=", begins: "starts with", matches: "like_regex" };

/** Which comparisons there are for an attribute of that kind, of those that the server's paths have. */
export function howsOf(kind: Kind, operators: Readonly<Record<string, readonly string[]>>): How[] {
  const offered = (type: string, how: How) => (operators[type] ?? []).includes(OPERATORS[how] ?? "");
  const presence: How[] = operators.any?.includes("exists") ? ["exists", "missing"] : [];
  switch (kind) {
    case "integer":
      return [...(["is", "less", "atMost", "more", "atLeast"] as const).filter((how) => offered("integer", how)), ...presence];
    case "boolean":
      return [...(["is"] as const).filter((how) => offered("boolean", how)), ...presence];
    case "names":
      return [...(operators.array?.includes("size") ? (["countMost", "countLeast"] as const) : []), "someBegin", "eachWithin", "eachMatch"];
    default:
      return [...(offered("string", "is") ? (["is", "isnt", "oneOf"] as const) : []), ...(["begins", "matches"] as const).filter((how) => offered("string", how)), ...presence];
  }
}

/** What conditions can be about, with the schema of each; "metadata." is followed by a key. */
export function attributesOf(document: Schema): { name: string; kind: Kind; schema: Schema }[] {
  const all: { name: string; kind: Kind; schema: Schema }[] = [];
  for (const [name, schema] of Object.entries(document.properties ?? {})) {
    if (schema.additionalProperties) {
      all.push({ name: `${name}.`, kind: "string", schema: {} });
    } else if (schema.type === "object") {
      all.push(...Object.entries(schema.properties ?? {}).map(([inner, one]) => ({ name: `${name}.${inner}`, kind: kindOf(one), schema: one })));
    } else {
      all.push({ name, kind: schema.type === "array" ? ("names" as const) : kindOf(schema), schema });
    }
  }
  return all;
}

const kindOf = (schema: Schema): Kind => (schema.type === "integer" || schema.type === "boolean" ? schema.type : schema.type === "array" ? "list" : "string");

/** The kind of one attribute, of a free key of the metadata as well; undefined when there is none such. */
export function kindFor(document: Schema, of: string): Kind | undefined {
  return attributesOf(document).find((one) => one.name === of || (one.name.endsWith(".") && of.startsWith(one.name)))?.kind;
}

// --- from terms to a path ---

const quoted = (text: string) => JSON.stringify(text);
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;
const pathOf = (of: string) => {
  const [first = "", ...rest] = of.split(".");
  const key = rest.join(".");
  return rest.length === 0 ? `$.${first}` : `$.${first}.${PLAIN.test(key) ? key : quoted(key)}`;
};
const literal = (text: string) => text.replace(/[.\\+*?()[\]{}|^$]/g, "\\$&");
/** The regular expression for names in one of these domains. */
const within = (domains: readonly string[]) => `^dns:([^.]+\\.)*(${domains.map(literal).join("|")})$`;
const lines = (text: string) => text.split("\n").map((one) => one.trim()).filter(Boolean);

function printTerm(t: Term, kind: Kind): string {
  const path = pathOf(t.of);
  const value = kind === "string" || kind === "list" ? quoted(t.value) : t.value.trim();
  switch (t.how) {
    case "isnt":
      return `!(${path} == ${value})`;
    case "oneOf": {
      const parts = lines(t.value).map((one) => `${path} == ${quoted(one)}`);
      return parts.length > 1 ? `(${parts.join(" || ")})` : (parts[0] ?? `${path} == ""`);
    }
    case "exists":
      return `exists(${path})`;
    case "missing":
      return `!exists(${path})`;
    case "countMost":
      return `${path}.size() <= ${t.value.trim()}`;
    case "countLeast":
      return `${path}.size() >= ${t.value.trim()}`;
    case "someBegin":
      return `${path}[*] starts with ${quoted(t.value)}`;
    case "eachMatch":
      return `!exists(${path}[*] ? (!(@ like_regex ${quoted(t.value)})))`;
    case "eachWithin":
      return `!exists(${path}[*] ? (@ starts with "dns:" && !(@ like_regex ${quoted(within(lines(t.value)))})))`;
    default:
      return `${path} ${OPERATORS[t.how] ?? "=="} ${value}`;
  }
}

/** The path of a condition, "" for none. */
export function printCondition(c: Condition, document: Schema): string {
  const one = c.terms.length === 1;
  const parts = c.terms.map((t) => printTerm(t, kindFor(document, t.of) ?? "string"));
  // Alone, values one of which is to be need no brackets.
  const bare = parts.map((p, i) => (one && c.terms[i]?.how === "oneOf" ? p.replace(/^\(|\)$/g, "") : p));
  return bare.join(c.join === "any" ? " || " : " && ");
}

/** Whether a term can be sent: it names something, and has a value where one is wanted. */
export function termFault(t: Term, document: Schema): "attribute" | "number" | "value" | null {
  const kind = kindFor(document, t.of);
  if (!kind || t.of.endsWith(".")) {
    return "attribute";
  }
  if (t.how === "exists" || t.how === "missing") {
    return null;
  }
  if (kind === "integer" || t.how === "countMost" || t.how === "countLeast") {
    return /^-?\d{1,15}$/.test(t.value.trim()) ? null : "number";
  }
  return t.value.trim() === "" ? "value" : null;
}

// --- from a path to terms ---

/** Parts at the outermost level, where quotes and brackets are closed; null when they don't close. */
function parted(text: string, by: "&&" | "||"): string[] | null {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) {
        i += text[i] === "\\" ? 1 : 0;
      }
    } else if (c === "(" || c === "[") {
      depth++;
    } else if (c === ")" || c === "]") {
      depth--;
    } else if (depth === 0 && text.startsWith(by, i)) {
      parts.push(text.slice(from, i).trim());
      from = i + 2;
      i++;
    }
  }
  parts.push(text.slice(from).trim());
  return depth === 0 ? parts : null;
}

const PATH = String.raw`\$\.([A-Za-z_]\w*)(?:\.(?:([A-Za-z_]\w*)|("(?:[^"\\]|\\.)*")))?`;
const TEXT = String.raw`("(?:[^"\\]|\\.)*")`;
const SHAPES: [RegExp, How][] = [
  [new RegExp(`^!\\(${PATH} == (?:${TEXT})\\)$`), "isnt"],
  [new RegExp(`^exists\\(${PATH}\\)$`), "exists"],
  [new RegExp(`^!exists\\(${PATH}\\)$`), "missing"],
  [new RegExp(`^${PATH}\\.size\\(\\) <= (\\d+)$`), "countMost"],
  [new RegExp(`^${PATH}\\.size\\(\\) >= (\\d+)$`), "countLeast"],
  [new RegExp(`^${PATH}\\[\\*\\] starts with ${TEXT}$`), "someBegin"],
  [new RegExp(`^!exists\\(${PATH}\\[\\*\\] \\? \\(@ starts with "dns:" && !\\(@ like_regex ${TEXT}\\)\\)\\)$`), "eachWithin"],
  [new RegExp(`^!exists\\(${PATH}\\[\\*\\] \\? \\(!\\(@ like_regex ${TEXT}\\)\\)\\)$`), "eachMatch"],
  [new RegExp(`^${PATH} == (?:${TEXT}|(-?\\d+|true|false))$`), "is"],
  [new RegExp(`^${PATH} starts with ${TEXT}$`), "begins"],
  [new RegExp(`^${PATH} like_regex ${TEXT}$`), "matches"],
  [new RegExp(`^${PATH} <= (-?\\d+)$`), "atMost"],
  [new RegExp(`^${PATH} >= (-?\\d+)$`), "atLeast"],
  [new RegExp(`^${PATH} < (-?\\d+)$`), "less"],
  [new RegExp(`^${PATH} > (-?\\d+)$`), "more"],
];

function unquoted(text: string): string | null {
  try {
    return JSON.parse(text) as string;
  } catch {
    return null;
  }
}

const unescaped = (text: string) => text.replace(/\\(.)/g, "$1");

/** The domains of a regular expression that within() made. */
function domainsOf(regex: string): string | null {
  const inner = /^\^dns:\(\[\^\.\]\+\\\.\)\*\((.*)\)\$$/.exec(regex)?.[1];
  const domains = inner?.split(/(?<!\\)\|/).map(unescaped);
  return domains && within(domains) === regex ? domains.join("\n") : null;
}

function readTerm(text: string): Term | null {
  for (const [shape, how] of SHAPES) {
    const found = shape.exec(text);
    if (found) {
      const key = found[3] ? unquoted(found[3]) : found[2];
      const raw = found.slice(4).find((one) => one !== undefined) ?? "";
      const value = raw.startsWith('"') ? unquoted(raw) : raw;
      const of = key === undefined ? (found[1] ?? "") : `${found[1] ?? ""}.${key ?? ""}`;
      const domains = how === "eachWithin" && value !== null ? domainsOf(value) : value;
      return value === null || key === null || domains === null ? null : { of, how, value: domains };
    }
  }
  return null;
}

/** $.a == "x" || $.a == "y" as one term. */
function alternatives(parts: readonly string[]): Term | null {
  const terms = parts.map(readTerm);
  const first = terms[0];
  return first && terms.length > 1 && terms.every((t) => t?.how === "is" && t.of === first.of)
    ? { of: first.of, how: "oneOf", value: terms.map((t) => t?.value ?? "").join("\n") }
    : null;
}

function termOf(part: string): Term | null {
  const inner = /^\((.*)\)$/s.exec(part)?.[1];
  const several = inner ? parted(inner, "||") : null;
  return (several && alternatives(several)) ?? readTerm(part);
}

/** The terms of a path; null when it says what terms can't, or would be written otherwise. */
export function readCondition(path: string, document: Schema): Condition | null {
  if (path === "") {
    return { join: "all", terms: [] };
  }
  const any = parted(path, "||");
  const all = parted(path, "&&");
  if (!any || !all || (any.length > 1 && all.length > 1)) {
    return null;
  }
  const whole = any.length > 1 ? alternatives(any) : null;
  const terms = whole ? [whole] : (any.length > 1 ? any : all).map(termOf);
  if (!terms.every((t): t is Term => t !== null && kindFor(document, t.of) !== undefined)) {
    return null;
  }
  const found: Condition = { join: any.length > 1 && !whole ? "any" : "all", terms };
  return printCondition(found, document) === path ? found : null;
}
