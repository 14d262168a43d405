import {
  Button, Checkbox, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, FormSelect, FormSelectOption, PageSection, Skeleton,
  Toolbar, ToolbarContent, ToolbarGroup, ToolbarItem,
} from "@patternfly/react-core";
import AngleLeftIcon from "@patternfly/react-icons/dist/esm/icons/angle-left-icon";
import AngleRightIcon from "@patternfly/react-icons/dist/esm/icons/angle-right-icon";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { useCertificates } from "../api/certificates";
import { type Certificate, type CertificateAttributes, useCas } from "../api/queries";
import { date, instant, octets, stateOf } from "../format";
import { ErrorAlert } from "../parts/ErrorAlert";
import NoCa from "../parts/NoCa";
import { Notice } from "../parts/Notice";
import { StateLabel } from "../parts/StateLabel";
import { Title } from "../parts/Title";
import { Titled } from "../parts/Titled";
import {
  addressWith, ATTRIBUTES, type Attribute, type Column, columnsOf, conditionsOf, exportOf, extend, filterOf, FIRST_COLUMNS, hasRoom, queryOf, SIZES, sizeOf, SORTS, sortOf, WIDE_ALONE,
} from "./inventory";
import { Columns } from "./inventory/Columns";
import { Conditions } from "./inventory/Conditions";
import { Export, useExport } from "./inventory/Export";
import { Looking, useReach } from "./inventory/Looking";
import { type Action, Many, ManyMenu } from "./inventory/Many";
import { Saved } from "./inventory/Saved";
import { Search } from "./inventory/Search";
import { columnWord, wordOf } from "./inventory/words";

const STORED = "siegel.columns";

function storedColumns(): Column[] {
  try {
    const names: unknown = JSON.parse(localStorage.getItem(STORED) ?? "null");
    return Array.isArray(names) ? columnsOf(names.filter((n): n is string => typeof n === "string")) : FIRST_COLUMNS;
  } catch {
    return FIRST_COLUMNS;
  }
}

/** Those of the address, else those that this browser keeps. */
function useColumns(address: URLSearchParams, setAddress: (to: URLSearchParams) => void): [Column[], (columns: Column[]) => void] {
  const [kept, setKept] = useState(storedColumns);
  const said = address.get("columns");
  const choose = (columns: Column[]) => {
    try {
      localStorage.setItem(STORED, JSON.stringify(columns));
    } catch {
      // without storage it holds for this page
    }
    setKept(columns);
    if (said) {
      const to = new URLSearchParams(address);
      to.delete("columns");
      setAddress(to);
    }
  };
  return [said ? columnsOf(said.split(",")) : kept, choose];
}

function nameOf(one: Certificate): string {
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

export default function Inventory() {
  const { t } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const navigate = useNavigate();
  const [address, setAddress] = useSearchParams();
  const [cursors, setCursors] = useState<string[]>([]);
  const [looked, setLooked] = useState(0); // parts of the list without anything in them, since the last page
  const [stopped, setStopped] = useState(false);
  const [checked, setChecked] = useState<Map<string, string>>(new Map());
  const [dialog, setDialog] = useState<"columns" | Action | null>(null);
  const [columns, setColumns] = useColumns(address, setAddress);
  const page = useCertificates(queryOf(address, cursors.at(-1) ?? null));
  const file = useExport();
  const conditions = conditionsOf(address);
  const begin = () => {
    setCursors([]);
    setLooked(0);
    setStopped(false);
  };
  const change = (to: URLSearchParams) => {
    begin();
    setChecked(new Map());
    setAddress(to);
  };
  const set = (name: string, value: string) => {
    const to = new URLSearchParams(address);
    to.set(name, value);
    change(to);
  };
  const rows = page.data?.data ?? [];
  const next = page.data?.next ?? null;
  const reach = useReach(page.data?.reach);
  const looking = Boolean(page.data && !page.isPlaceholderData && rows.length === 0 && next && !stopped);
  const bare = Boolean(page.data) && rows.length === 0 && !next && conditions.length === 0;
  const cas = useCas(bare);
  useEffect(() => {
    // A part of a long list that has nothing: the next part takes its place, until something is found or somebody has had enough.
    if (looking && next) {
      setLooked((n) => n + 1);
      setCursors((all) => [...all.slice(0, -1), next]);
    }
  }, [looking, next]);
  const turn = (to: string[]) => {
    setCursors(to);
    setLooked(0);
    setStopped(false);
  };

  // Who has chosen columns sees them everywhere.
  const shownOf = (c: Column) => (columns === FIRST_COLUMNS && WIDE_ALONE.includes(c) ? ["hidden" as const, "visibleOnLg" as const] : undefined);
  const widthOf = (c: Column) => (c === "common_name" ? "siegel-name" : c === "serial" || c === "fingerprint_sha256" ? "siegel-octets" : modifierOf(c) === "breakWord" ? "siegel-text" : undefined);
  const sort = sortOf(address) ?? "-created_at";
  const active = columns.indexOf(sort.replace(/^-/, "") as Column);
  const sortOfColumn = (i: number) => {
    const by = SORTS.find((one) => one === columns[i]);
    return by
      ? {
          columnIndex: i,
          sortBy: { index: active, direction: sort.startsWith("-") ? ("desc" as const) : ("asc" as const), defaultDirection: "asc" as const },
          onSort: (_: unknown, __: number, direction: string) => set("sort", direction === "desc" ? `-${by}` : by),
        }
      : undefined;
  };
  const check = (some: Certificate[], on: boolean) => {
    const to = new Map(checked);
    some.forEach((one) => (on ? to.set(one.id, nameOf(one)) : to.delete(one.id)));
    setChecked(to);
  };
  const here = rows.filter((one) => checked.has(one.id)).length;
  const pages = (
    <ToolbarGroup align={{ default: "alignEnd" }} role="group" aria-label={t("pages")}>
      <ToolbarItem>
        <FormSelect aria-label={t("perPage", { n: "" })} value={String(sizeOf(address))} onChange={(_, v) => set("size", v)}>
          {SIZES.map((n) => (
            <FormSelectOption key={n} value={String(n)} label={t("perPage", { n })} />
          ))}
        </FormSelect>
      </ToolbarItem>
      <ToolbarItem>
        <Button
          variant="plain" icon={<AngleLeftIcon />} aria-label={t("previous")} isDisabled={cursors.length === 0} onClick={() => turn(cursors.slice(0, -1))}
        />
        <span aria-live="polite">{t("page", { n: cursors.length + 1 })}</span>
        <Button
          variant="plain" icon={<AngleRightIcon />} aria-label={t("next")} isDisabled={!next || page.isPlaceholderData || looking}
          onClick={() => next && turn([...cursors, next])}
        />
      </ToolbarItem>
    </ToolbarGroup>
  );
  return (
    <>
      <Title
        title={t("title")}
        subtitle={t("subtitle")}
        actions={<Button component={(props: object) => <Link {...props} to="/issue" />}>{base("nav.places.issue")}</Button>}
      />
      <PageSection>
        <Toolbar>
          <ToolbarContent>
            <Search isFull={!hasRoom(conditions)} onAdd={(condition) => change(addressWith(address, extend(conditions, condition)))} />
            <ToolbarGroup align={{ default: "alignEnd" }}>
              <ToolbarItem>
                <Saved
                  now={{ query: filterOf(address), columns }}
                  onPick={(to) => {
                    begin();
                    setChecked(new Map());
                    void navigate(to);
                  }}
                />
              </ToolbarItem>
            </ToolbarGroup>
          </ToolbarContent>
          {conditions.length > 0 && <Conditions conditions={conditions} onChange={(to) => change(addressWith(address, to))} />}
          <ToolbarContent>
            <ToolbarGroup>
              <ToolbarItem>
                <ManyMenu onChoose={setDialog} />
              </ToolbarItem>
              <ToolbarItem>
                <Export isDisabled={file.isPending} onChoose={(format) => file.mutate(exportOf(address, format, columns.includes("serial") ? columns : [...columns, "serial"]))} />
              </ToolbarItem>
              <ToolbarItem>
                <Button variant="secondary" onClick={() => setDialog("columns")}>
                  {t("columns.button")}
                </Button>
              </ToolbarItem>
              {checked.size > 0 && (
                <ToolbarItem className="siegel-middle">
                  <span aria-live="polite">{t("select.checked", { count: checked.size })}</span>{" "}
                  <Button variant="link" isInline onClick={() => setChecked(new Map())}>
                    {t("select.none")}
                  </Button>
                </ToolbarItem>
              )}
            </ToolbarGroup>
            {pages}
          </ToolbarContent>
        </Toolbar>
        <ErrorAlert error={page.error ?? file.error} />
        {file.isSuccess && <Notice variant="success" isLiveRegion title={t("export.started")} />}
        {page.isPending && <Skeleton height="20rem" screenreaderText={base("app.loading")} />}
        {looking && <Looking parts={looked} reach={reach} onStop={() => setStopped(true)} />}
        {bare && cas.data?.length === 0 && <NoCa />}
        {page.data && !looking && rows.length === 0 && !(bare && cas.data?.length === 0) && (
          <EmptyState titleText={t(next ? "stopped" : conditions.length > 0 ? "none" : "empty")} headingLevel="h2" icon={SearchIcon}>
            <EmptyStateBody>{next && reach ? reach : t(conditions.length > 0 ? "noneText" : "emptyText")}</EmptyStateBody>
            <EmptyStateFooter>
              <EmptyStateActions>
                {next && (
                  <Button variant="primary" onClick={() => setStopped(false)}>
                    {t("goOn")}
                  </Button>
                )}
                {conditions.length > 0 ? (
                  <Button variant="link" onClick={() => change(addressWith(address, []))}>
                    {t("clear")}
                  </Button>
                ) : (
                  <Button component={(props: object) => <Link {...props} to="/issue" />}>{base("nav.places.issue")}</Button>
                )}
              </EmptyStateActions>
            </EmptyStateFooter>
          </EmptyState>
        )}
        {rows.length > 0 && (
          <div className="siegel-scroll">
            <Table aria-label={t("title")} variant="compact" gridBreakPoint="grid-md">
              <Thead>
                <Tr>
                  <Th>
                    <Checkbox
                      id="check-all" aria-label={t("select.all")} isChecked={here === rows.length ? true : here > 0 ? null : false} onChange={(_, on) => check(rows, on)}
                    />
                  </Th>
                  {columns.map((c, i) => (
                    <Th key={c} sort={sortOfColumn(i)} modifier="nowrap" visibility={shownOf(c)}>
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
                        id={`check-${one.id}`} aria-label={t("select.one", { name: nameOf(one) })} isChecked={checked.has(one.id)} onChange={(_, on) => check([one], on)}
                      />
                    </Td>
                    {columns.map((c) => (
                      <Td key={c} dataLabel={columnWord(t, c)} modifier={modifierOf(c)} className={widthOf(c)} visibility={shownOf(c)}>
                        <Cell one={one} column={c} />
                      </Td>
                    ))}
                  </Tr>
                ))}
              </Tbody>
            </Table>
          </div>
        )}
      </PageSection>
      {dialog === "columns" && <Columns chosen={columns} onChoose={setColumns} onClose={() => setDialog(null)} />}
      {dialog && dialog !== "columns" && (
        <Many
          action={dialog}
          checked={[...checked.keys()]}
          conditions={conditions}
          onClose={(done) => {
            setDialog(null);
            if (done) {
              setChecked(new Map());
            }
          }}
        />
      )}
    </>
  );
}
