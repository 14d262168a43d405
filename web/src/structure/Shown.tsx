// A structured value on a page, in words: what its form would show, to be read.
import { Label } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { STRUCTURES, type StructureName } from "../api/structures.gen";
import { Titled } from "../parts/Titled";
import { writeJson } from "./json";
import { isDefault, offerOf } from "./offers";
import { Search } from "./Search";
import { isObject, isTexts, type Schema, type Values } from "./schema";
import { type Speaker, useStructureWords } from "./words";

/** One member: by what its schema says of it. */
function member(schema: Schema | undefined, path: string, value: unknown, words: Speaker): ReactNode {
  if (typeof value === "boolean") {
    return words.value(path, String(value));
  }
  if (typeof value === "number") {
    const unit = schema?.["x-siegel-unit"];
    return `${new Intl.NumberFormat(words.language).format(value)}${unit ? ` ${words.t(`units.${unit}`, { defaultValue: unit })}` : ""}`;
  }
  if (typeof value === "string") {
    return schema?.enum ? words.value(path, value) : value;
  }
  return isTexts(value) ? value.map((one) => words.value(path, one)).join(", ") : <pre className="siegel-mono siegel-wrap">{writeJson(value)}</pre>;
}

/** Members that are set; what isn't is as the product has it. */
function Members({ schema, value, words }: { schema: Schema; value: Values; words: Speaker }) {
  const order = schema["x-siegel-order"] ?? Object.keys(schema.properties ?? {});
  const names = [...order.filter((name) => Object.hasOwn(value, name)), ...Object.keys(value).filter((name) => !order.includes(name))];
  return names.length === 0 ? (
    words.t("shown.standard")
  ) : (
    <dl className="siegel-json siegel-said">
      {names.map((name) => (
        <div key={name}>
          <dt>{words.member(name)}</dt>
          <dd className="siegel-wrap">{member(schema.properties?.[name], name, value[name], words)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What a directory offers: the default first. */
function Offers({ value, words }: { value: Values; words: Speaker }) {
  const names = Object.keys(value).sort((a, b) => Number(isDefault(value, b)) - Number(isDefault(value, a)) || a.localeCompare(b));
  const columns = [words.t("offers.name"), words.member("profile"), words.member("description"), words.member("caa")];
  return (
    <Table variant="compact" borders={false} gridBreakPoint="grid-md" aria-label={words.t("offers.list")}>
      <Thead>
        <Tr>
          {columns.map((column) => (
            <Th key={column} modifier="wrap">{column}</Th>
          ))}
        </Tr>
      </Thead>
      <Tbody>
        {names.map((name) => {
          const one = offerOf(value, name);
          const profile = typeof one.profile === "string" ? one.profile : "";
          return (
            <Tr key={name}>
              <Td dataLabel={columns[0]}>
                <code>{name}</code>{" "}
                {isDefault(value, name) && <Label isCompact color="blue">{words.t("offers.isDefault")}</Label>}
              </Td>
              <Td dataLabel={columns[1]}>
                <Link to={`/r/profiles?filter%5Bname%5D=${encodeURIComponent(profile)}`}>
                  <Titled of="profile" name={profile} />
                </Link>
              </Td>
              <Td dataLabel={columns[2]}>{typeof one.description === "string" ? one.description : "–"}</Td>
              <Td dataLabel={columns[3]}>{words.value("caa", String(one.caa === true))}</Td>
            </Tr>
          );
        })}
      </Tbody>
    </Table>
  );
}

export default function Shown({ name, value }: { name: StructureName; value: unknown }) {
  const words = useStructureWords(name);
  if (!isObject(value)) {
    return <pre className="siegel-mono siegel-wrap">{writeJson(value)}</pre>;
  }
  if (name === "saved_query") {
    return <Search query={value} />;
  }
  return name === "acme_directory_profiles" ? <Offers value={value} words={words} /> : <Members schema={STRUCTURES[name]} value={value} words={words} />;
}
