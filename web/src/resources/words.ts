// The words of resources, attributes, actions and values, for the screens that are made of tables.
import { useTranslation } from "react-i18next";
import type resources from "../i18n/en/resources";
import { count, date, instant } from "../format";
import type { ResourceName } from "./model";

type All = typeof resources;
type Table = Readonly<Record<string, string | undefined>>;

/** "resource.name" if there is a word for it, else the one for all. */
export function wordIn(table: object, own: object, resource: string, name: string): string | undefined {
  return (own as Table)[`${resource}.${name}`] ?? (table as Table)[name];
}

export function valueIn(all: All, resource: string, attribute: string, value: string): string | undefined {
  const values = all.values as Table;
  return values[`${resource}.${attribute}.${value}`] ?? values[`${attribute}.${value}`] ?? values[value];
}

export function actionIn(all: All, resource: string, action: string): { title: string; text: string } | undefined {
  const actions = all.actions as Readonly<Record<string, { title: string; text: string } | undefined>>;
  return actions[`${resource}.${action}`] ?? actions[action];
}

export interface ResourceWords {
  title: string;
  one: string;
  purpose: string;
  first: string;
  create?: string;
}

/** What has no word is shown by its own name: words.test.ts sees to it that nothing has none. */
export function useWords() {
  const { t, i18n } = useTranslation("resources");
  const all = i18n.getResourceBundle(i18n.language, "resources") as All;
  const language = i18n.language;
  return {
    t,
    language,
    resource: (name: ResourceName): ResourceWords => all.resources[name],
    attribute: (resource: string, name: string) => wordIn(all.attributes, all.own, resource, name) ?? name,
    help: (resource: string, name: string) => wordIn(all.help, all.help, resource, name),
    value: (resource: string, attribute: string, value: string) => valueIn(all, resource, attribute, value) ?? value,
    action: (resource: string, name: string) => actionIn(all, resource, name) ?? { title: name, text: "" },
    right: (word: string) => (all.rights as Table)[word] ?? word,
    instant: (text: string) => instant(language, text),
    date: (text: string) => date(language, text),
    count: (n: number) => count(language, n),
  };
}
export type Speaker = ReturnType<typeof useWords>;
