// The inventory's table: what each cell shows, and how its columns behave.
import { Checkbox } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Certificate, CertificateAttributes } from "../../api/queries";
import { date, instant, octets, stateOf } from "../../format";
import { StateLabel } from "../../parts/StateLabel";
import { Titled } from "../../parts/Titled";
import { ATTRIBUTES, type Attribute, type Column, FIRST_COLUMNS, SORTS, WIDE_ALONE } from "../inventory";
import { columnWord, wordOf } from "./words";

export function nameOf(one: Certificate): string {
  const a = one.attributes ?? {};
  return a.common_name || a.subject || octets(a.serial).slice(0, 23);
}

function Cell({ one, column }: { one: Certificate; column: Column }) {
  const { i18n } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const a: CertificateAttributes = one.attributes ?? {};
  if (column.startsWith("metadata.")) {
    return ((a.metadata ?? {}) as Record<string, string>)[column.slice(9)] ?? "";
  }
  switch (column) {
    case "common_name":
      return <Link to={`/certificates/${one.id}`}>{nameOf(one)}</Link>;
    case "status":
      return <StateLabel state={stateOf(a)} />;
    case "names":
      return (a.names ?? []).join(", ");
    case "serial":
    case "fingerprint_sha256":
      return <span className="siegel-mono">{octets(a[column])}</span>;
    case "not_after":
    case "not_before":
      return date(i18n.language, a[column]);
    case "issuer":
      return <Titled of="ca" name={a.issuer} />;
    case "profile":
      return <Titled of="profile" name={a.profile} />;
    case "created_at":
    case "revoked_at":
      return a[column] ? instant(i18n.language, a[column]) : "";
    default: {
      const value = a[column as keyof CertificateAttributes];
      return typeof value === "string" ? wordOf(base, column as Attribute, value) : "";
    }
  }
}

function modifierOf(column: Column): "breakWord" | "nowrap" {
  return ["status", "profile", "key_type", "source"].includes(column) || ATTRIBUTES[column as Attribute] === "time" ? "nowrap" : "breakWord";
}

// Who has chosen columns sees them everywhere.
function shownOf(columns: Column[], c: Column) {
  return columns === FIRST_COLUMNS && WIDE_ALONE.includes(c) ? ["hidden" as const, "visibleOnLg" as const] : undefined;
}

function widthOf(c: Column): string | undefined {
  if (c === "common_name") {
    return "siegel-name";
  }
  return c === "serial" || c === "fingerprint_sha256" ? "siegel-octets" : modifierOf(c) === "breakWord" ? "siegel-text" : undefined;
}

interface Props {
  rows: Certificate[];
  columns: Column[];
  /** Names of those that are chosen, by id. */
  checked: ReadonlyMap<string, string>;
  sort: string;
  onSort: (by: string) => void;
  onCheck: (some: Certificate[], on: boolean) => void;
}

export function Rows({ rows, columns, checked, sort, onSort, onCheck }: Props) {
  const { t } = useTranslation("inventory");
  const active = columns.indexOf(sort.replace(/^-/, "") as Column);
  const sortOfColumn = (i: number) => {
    const by = SORTS.find((one) => one === columns[i]);
    return by
      ? {
          columnIndex: i,
          sortBy: { index: active, direction: sort.startsWith("-") ? ("desc" as const) : ("asc" as const), defaultDirection: "asc" as const },
          onSort: (_: unknown, __: number, direction: string) => onSort(direction === "desc" ? `-${by}` : by),
        }
      : undefined;
  };
  const here = rows.filter((one) => checked.has(one.id)).length;
  return (
    <div className="siegel-scroll">
      <Table aria-label={t("title")} variant="compact" gridBreakPoint="grid-md">
        <Thead>
          <Tr>
            <Th>
              <Checkbox
                id="check-all" aria-label={t("select.all")} isChecked={here === rows.length ? true : here > 0 ? null : false} onChange={(_, on) => onCheck(rows, on)}
              />
            </Th>
            {columns.map((c, i) => (
              <Th key={c} sort={sortOfColumn(i)} modifier="nowrap" visibility={shownOf(columns, c)}>
                {columnWord(t, c)}
              </Th>
            ))}
          </Tr>
        </Thead>
        <Tbody>
          {rows.map((one) => (
            <Tr key={one.id} isRowSelected={checked.has(one.id)}>
              <Td>
                <Checkbox
                  id={`check-${one.id}`} aria-label={t("select.one", { name: nameOf(one) })} isChecked={checked.has(one.id)} onChange={(_, on) => onCheck([one], on)}
                />
              </Td>
              {columns.map((c) => (
                <Td key={c} dataLabel={columnWord(t, c)} modifier={modifierOf(c)} className={widthOf(c)} visibility={shownOf(columns, c)}>
                  <Cell one={one} column={c} />
                </Td>
              ))}
            </Tr>
          ))}
        </Tbody>
      </Table>
    </div>
  );
}
