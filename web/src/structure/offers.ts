// What an ACME directory offers, as its form sees it: by the name that clients say, a profile and what is said of it. Each function takes the whole and gives
// one with a change; what isn't changed stays as it was.
import { isObject, put, type Values } from "./schema";

export const offerOf = (all: Values, name: string): Values => (isObject(all[name]) ? all[name] : {});
export const isDefault = (all: Values, name: string): boolean => offerOf(all, name).default === true || Object.keys(all).length === 1;

/** In the order of the names given, then whatever else there is: a browser sorts names that are numbers, and whoever types one would lose his place. */
export function inOrder(all: Values, names: readonly string[]): string[] {
  return [...names.filter((name) => Object.hasOwn(all, name)), ...Object.keys(all).filter((name) => !names.includes(name))];
}

/** What keeps a name from being another's. */
export function nameFault(all: Values, own: string, typed: string): "empty" | "form" | "taken" | null {
  if (typed === "") {
    return "empty";
  }
  return !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(typed) ? "form" : typed !== own && Object.hasOwn(all, typed) ? "taken" : null;
}

export function renameOffer(all: Values, from: string, to: string): Values {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name === from ? to : name, one]));
}

/** One of them is that of orders which name none. */
export function setDefault(all: Values, chosen: string): Values {
  return Object.fromEntries(
    Object.entries(all).map(([name, one]) => [name, !isObject(one) ? one : name === chosen ? put(one, "default", true) : one.default === undefined ? one : put(one, "default", false)]),
  );
}

/** Another one, called like its profile while that name is free. The first is the default. */
export function addOffer(all: Values, profile: string): { all: Values; name: string } {
  const base = nameFault({}, "", profile) === null ? profile : "profile";
  let name = base;
  for (let n = 2; Object.hasOwn(all, name); n++) {
    name = `${base.slice(0, 60)}-${n}`;
  }
  return { all: { ...all, [name]: Object.keys(all).length === 0 ? { profile, default: true } : { profile } }, name };
}

/** Without one; the default goes to the first of the others. */
export function dropOffer(all: Values, name: string): Values {
  const rest = put(all, name, undefined);
  const [first] = Object.keys(rest);
  return first !== undefined && isDefault(all, name) ? setDefault(rest, first) : rest;
}

/** Whether exactly one is the default, as the server wants it. */
export const hasDefault = (all: Values): boolean => Object.keys(all).filter((name) => isDefault(all, name)).length === 1;

/** Which of them the server's message is about: it says the name, or the profile. */
export function aboutOffer(all: Values, said: string): string | undefined {
  const word = /^profiles: (?:"([^"]+)"|([^\s:"]+):)/.exec(said);
  const named = word?.[1] ?? word?.[2];
  return Object.keys(all).find((name) => name === named) ?? Object.keys(all).find((name) => offerOf(all, name).profile === named);
}

/** By which orders of ACME can be issued: the names are those that were proved, and the key is the client's. */
export function isOrderable(definition: Values): boolean {
  const names = Array.isArray(definition.names_allowed) ? (definition.names_allowed as unknown[]) : [];
  return !definition.internal && !definition.ca && !definition.disabled && definition.key_origin !== "appliance" && ["dns", "ip", "permanent-identifier"].some((one) => names.includes(one));
}
