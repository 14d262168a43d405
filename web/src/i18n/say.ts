// What comes from the server in English, in the reader's language: errors by their text without its values, and the titles of what the product brings
// along. What nobody translated stays English, and is marked as such.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { ErrorObject } from "../api/client";

/** English to the other language; of errors the values are {1}, {2}, … in both. */
export type Catalogue = Record<string, string>;

export interface Said {
  text: string;
  /** The technical reason, where the text alone is enough for most. */
  reason?: string;
  /** The text's language, when it isn't the page's. */
  lang?: "en";
}

const patterns = new WeakMap<Catalogue, [RegExp, string][]>();

/** The texts with values as patterns, those with the most letters first: the more a text says itself, the surer it is meant. */
function patternsOf(catalogue: Catalogue): [RegExp, string][] {
  let found = patterns.get(catalogue);
  if (!found) {
    found = Object.entries(catalogue)
      .filter(([text]) => /\{\d\}/.test(text))
      .sort(([a], [b]) => b.replace(/\{\d\}/g, "").length - a.replace(/\{\d\}/g, "").length)
      .map(([text, other]) => {
        const source = text.split(/\{\d\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
        return [new RegExp(`^${source.join("(.*?)")}$`, "s"), other];
      });
    patterns.set(catalogue, found);
  }
  return found;
}

/** Values may be texts themselves: what another part found wrong. */
function fill(text: string, values: string[], catalogue: Catalogue, depth: number): string {
  return text.replace(/\{(\d)\}/g, (_, n: string) => {
    const value = values[Number(n) - 1] ?? "";
    return (depth < 3 && / /.test(value) && plainly(value, catalogue, depth + 1)) || value;
  });
}

function plainly(text: string, catalogue: Catalogue, depth = 0): string | null {
  if (Object.hasOwn(catalogue, text)) {
    return catalogue[text] ?? null;
  }
  for (const [pattern, other] of patternsOf(catalogue)) {
    const found = pattern.exec(text);
    if (found) {
      return fill(other, found.slice(1), catalogue, depth);
    }
  }
  // "days: the profile allows 3": a name, and behind it what was found
  const at = text.indexOf(": ");
  const rest = at > 0 && depth < 3 ? plainly(text.slice(at + 2), catalogue, depth + 1) : null;
  return rest ? `${text.slice(0, at)}: ${rest}` : null;
}

/** What a rule of a policy says stands before the policy's name, also in texts that were kept: its German in its place. */
function withMessage(detail: string, german: string): string {
  const found = /^(others have to approve it: )?.*?( \(policy [^()]*\))$/s.exec(detail);
  return found ? `${found[1] ?? ""}${german}${found[2] ?? ""}` : detail;
}

/** The error in the catalogue's language; null when it isn't there. */
export function translated(error: ErrorObject, catalogue: Catalogue): string | null {
  const { text, values = [], message_de: german } = error.meta ?? {};
  const exact = text !== undefined && Object.hasOwn(catalogue, text) ? catalogue[text] : undefined;
  if (exact !== undefined) {
    return fill(exact, german ? [german, ...values.slice(1)] : values, catalogue, 0);
  }
  return error.detail ? plainly(german ? withMessage(error.detail, german) : error.detail, catalogue) : null;
}

/** Its end says why, and is of no use to most: CSR_UNREADABLE of the server. */
const REASONED = /^(.* -----BEGIN CERTIFICATE REQUEST-----): (.+)$/s;

/** Parts a text from its technical reason. */
export function reasoned(said: Said): Said {
  const found = REASONED.exec(said.text);
  return found ? { ...said, text: `${found[1] ?? ""}.`, reason: found[2] } : said;
}

const FILES = {
  // What an error names may be a right, which has its title there.
  errors: async () => {
    const [errors, builtin] = await Promise.all([import("./german/errors"), import("./german/builtin")]);
    return { default: { ...builtin.default, ...errors.default } };
  },
  builtin: () => import("./german/builtin"),
  options: () => import("./german/options"),
};

/** undefined while it is on its way; null: the page is in the server's own language. */
function useCatalogue(name: keyof typeof FILES): Catalogue | null | undefined {
  const { i18n } = useTranslation();
  const german = i18n.language === "de";
  const { data } = useQuery({
    queryKey: ["catalogue", name], enabled: german, staleTime: Infinity, gcTime: Infinity, queryFn: async (): Promise<Catalogue> => (await FILES[name]()).default,
  });
  return german ? data : null;
}

/** How an error is said here; null as long as that isn't known. */
export function useSaid(error: ErrorObject | undefined): Said | null {
  const catalogue = useCatalogue("errors");
  if (!error || catalogue === undefined) {
    return null;
  }
  const text = error.detail ?? error.title ?? "";
  if (catalogue === null) {
    return reasoned({ text });
  }
  const other = translated(error, catalogue);
  return reasoned(other === null ? { text, lang: "en" } : { text: other });
}

/** Says texts that the server kept, such as an item of a job: (text, what the rule that it is about says in German). As they came where nobody
    translated them. */
export function useKept(): (text: string | null | undefined, german?: string | null) => string {
  const catalogue = useCatalogue("errors");
  return (text, german) => (text && catalogue ? (translated({ detail: text, meta: german ? { message_de: german } : undefined }, catalogue) ?? text) : (text ?? ""));
}

/** The German of an approval's reason, which is what one of the rules that want it says. */
export function germanReason(attributes: object): string | undefined {
  const { reason, approvers } = attributes as { reason?: unknown; approvers?: unknown };
  const wishes = Array.isArray(approvers) ? (approvers as ({ message?: string; message_de?: string } | null)[]) : [];
  return wishes.find((one) => one?.message === reason)?.message_de;
}

/** What a rule of a policy says, in the reader's language where it says that. */
export function useRuleSays(): (rule: { message?: string | null; message_de?: string | null }) => string {
  const { i18n } = useTranslation();
  return (rule) => (i18n.language === "de" && rule.message_de ? rule.message_de : (rule.message ?? ""));
}

/** Says titles and purposes of what the product brings along (profiles, templates, roles, rights), or what options mean; all others stay as they are. */
export function useBuiltin(name: "builtin" | "options" = "builtin"): (text: string | null | undefined) => string {
  const catalogue = useCatalogue(name);
  return (text) => (text && catalogue && Object.hasOwn(catalogue, text) ? (catalogue[text] ?? text) : (text ?? ""));
}
