// How conditions are said to people.
import type { TFunction } from "i18next";
import { date } from "../../format";
import type { Words } from "../../i18n/words";
import { ATTRIBUTES, type Attribute, type Column, type Condition } from "../inventory";

export type InventoryT = TFunction<"inventory">;
type BaseT = TFunction<"base">;

/** The word for a value that is one of a few. */
export function wordOf(base: BaseT, attribute: Attribute, value: string): string {
  switch (attribute) {
    case "status":
      return base(`status.${value as keyof Words["base"]["status"]}`, { defaultValue: value });
    case "source":
      return base(`source.${value as keyof Words["base"]["source"]}`, { defaultValue: value });
    case "revocation_reason":
      return base(`certificate.reasons.${value as keyof Words["base"]["certificate"]["reasons"]}`, { defaultValue: value });
    default:
      return value;
  }
}

/** "Name contains m7", "State is In force or On hold". */
export function sentenceOf(t: InventoryT, base: BaseT, language: string, c: Condition): string {
  const what = c.key ? `${t("attributes.metadata")} ${c.key}` : t(`attributes.${c.attribute}`);
  const values = c.op === "in" ? c.value.split(",") : [c.value];
  const words = values.map((v) => (ATTRIBUTES[c.attribute] === "time" ? date(language, v) : wordOf(base, c.attribute, v)));
  if (ATTRIBUTES[c.attribute] === "time") {
    return `${what}: ${t(`ops.${c.op}`)} ${words[0]}`;
  }
  return `${what} ${t(`ops.${c.op === "in" ? "eq" : c.op}`)} ${words.join(t("or"))}`;
}

export function columnWord(t: InventoryT, column: Column): string {
  return column.startsWith("metadata.") ? column.slice(9) : t(`attributes.${column as Attribute}`);
}
