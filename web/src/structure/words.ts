// The words of structured values: of each member, of each text that there is, and what a member is for.
import { useTranslation } from "react-i18next";
import type { StructureName } from "../api/structures.gen";
import { useTold } from "../parts/kit";
import type structures from "../i18n/en/structures";
import type { Fault } from "./json";

type All = typeof structures;
type Table = Readonly<Record<string, string | undefined>>;

/** What a member is called where it stands: "renew.before_days"; by its last name where that says it anywhere. */
export function memberIn(all: All, structure: string, path: string): string | undefined {
  const last = path.split(".").at(-1) ?? "";
  const members = all.members as Table;
  return members[`${structure}.${path}`] ?? members[path] ?? members[last] ?? (all.values as Table)[last];
}

/** A text in plain words: of a member, or wherever it stands. */
export function valueIn(all: All, path: string, value: string): string | undefined {
  const values = all.values as Table;
  return values[`${path}.${value}`] ?? values[`${path.split(".").at(-1) ?? ""}.${value}`] ?? values[value];
}

export function useStructureWords(structure: StructureName) {
  const { t, i18n } = useTranslation("structures");
  const all = i18n.getResourceBundle(i18n.language, "structures") as All;
  return {
    t,
    language: i18n.language,
    member: (path: string) => memberIn(all, structure, path) ?? path,
    help: (path: string) => (all.help as Table)[`${structure}.${path}`] ?? (all.help as Table)[path],
    value: (path: string, value: string) => valueIn(all, path, value) ?? value,
    fault: (f: Fault) => t("screen.notJson", { line: f.line, column: f.column, cause: t(`causes.${f.cause}`, { found: f.found }) }),
  };
}
export type Speaker = ReturnType<typeof useStructureWords>;

/** What the server says of a field, in the reader's language where it is known. */
export const useFault = useTold;
