import {
  Button,
  EmptyState,
  EmptyStateActions,
  EmptyStateBody,
  EmptyStateFooter,
  FormSelect,
  FormSelectOption,
  Label,
  LabelGroup,
  PageSection,
  SearchInput,
  Skeleton,
  TextInput,
  Toolbar,
  ToolbarContent,
  ToolbarGroup,
  ToolbarItem,
} from "@patternfly/react-core";
import AngleLeftIcon from "@patternfly/react-icons/dist/esm/icons/angle-left-icon";
import AngleRightIcon from "@patternfly/react-icons/dist/esm/icons/angle-right-icon";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { useCertificates } from "../api/queries";
import { cursorOf, date, instant, octets, stateOf } from "../format";
import { ErrorAlert } from "../parts/ErrorAlert";
import { StateLabel } from "../parts/StateLabel";
import { Title } from "../parts/Title";
import { ATTRIBUTES, type Attribute, SIZES, STATES, isFiltered, queryOf } from "./inventory";

const COLUMNS = [
  { key: "name", sort: "common_name" },
  { key: "status", sort: null },
  { key: "issuer", sort: null },
  { key: "profile", sort: null },
  { key: "notAfter", sort: "not_after" },
  { key: "created", sort: "created_at" },
  { key: "serial", sort: null },
] as const;

export default function Inventory() {
  const { t, i18n } = useTranslation();
  const [address, setAddress] = useSearchParams();
  const [cursors, setCursors] = useState<string[]>([]);
  const [attribute, setAttribute] = useState<Attribute>("name");
  const [value, setValue] = useState("");
  const [key, setKey] = useState("");
  const page = useCertificates(queryOf(address, cursors.at(-1) ?? null));
  const change = (edit: (to: URLSearchParams) => void) => {
    const to = new URLSearchParams(address);
    edit(to);
    setCursors([]);
    setAddress(to);
  };
  const search = () => {
    change((to) => {
      if (value.trim()) {
        to.set(attribute, value.trim());
      } else {
        to.delete(attribute);
      }
      if (attribute === "metadata") {
        to.set("key", key.trim());
      }
    });
    setValue("");
  };
  const sort = address.get("sort") ?? "-created_at";
  const active = COLUMNS.findIndex((c) => c.sort === sort.replace(/^-/, ""));
  const sortOf = (column: number) => {
    const by = COLUMNS[column]?.sort;
    return by
      ? {
          columnIndex: column,
          sortBy: { index: active, direction: sort.startsWith("-") ? ("desc" as const) : ("asc" as const), defaultDirection: "asc" as const },
          onSort: (_: unknown, __: number, direction: string) => change((to) => to.set("sort", direction === "desc" ? `-${by}` : by)),
        }
      : undefined;
  };
  const next = cursorOf(page.data?.next);
  const rows = page.data?.data ?? [];
  const filtered = isFiltered(address);
  const chip = (name: string, what: string, text: string) => (
    <Label
      key={name}
      variant="outline"
      closeBtnAriaLabel={`${t("inventory.clear")}: ${what}`}
      onClose={() =>
        change((to) => {
          to.delete(name);
          if (name === "metadata") {
            to.delete("key");
          }
        })
      }
    >
      {t("inventory.contains", { what, value: text })}
    </Label>
  );
  const chips = [
    ...ATTRIBUTES.filter((a) => address.get(a)).map((a) =>
      chip(a, a === "metadata" ? (address.get("key") ?? "") : t(`inventory.${a}`), address.get(a) ?? ""),
    ),
    ...(address.get("before") ? [chip("before", t("inventory.notAfter"), t("inventory.before", { date: date(i18n.language, address.get("before")) }))] : []),
  ];
  const pages = (
    <ToolbarGroup align={{ default: "alignEnd" }} role="group" aria-label={t("inventory.pages")}>
      <ToolbarItem>
        <FormSelect
          aria-label={t("inventory.perPage", { n: "" })}
          value={address.get("size") ?? String(SIZES[0])}
          onChange={(_, v) => change((to) => to.set("size", v))}
        >
          {SIZES.map((n) => (
            <FormSelectOption key={n} value={String(n)} label={t("inventory.perPage", { n })} />
          ))}
        </FormSelect>
      </ToolbarItem>
      <ToolbarItem>
        <Button
          variant="plain"
          icon={<AngleLeftIcon />}
          aria-label={t("inventory.previous")}
          isDisabled={cursors.length === 0}
          onClick={() => setCursors(cursors.slice(0, -1))}
        />
        <span aria-live="polite">{t("inventory.page", { n: cursors.length + 1 })}</span>
        <Button
          variant="plain"
          icon={<AngleRightIcon />}
          aria-label={t("inventory.next")}
          isDisabled={!next || page.isPlaceholderData}
          onClick={() => next && setCursors([...cursors, next])}
        />
      </ToolbarItem>
    </ToolbarGroup>
  );
  return (
    <>
      <Title
        title={t("inventory.title")}
        subtitle={t("inventory.subtitle")}
        actions={<Button component={(props: object) => <Link {...props} to="/issue" />}>{t("nav.places.issue")}</Button>}
      />
      <PageSection>
        <Toolbar>
          <ToolbarContent>
            <ToolbarGroup role="search" aria-label={t("inventory.search")}>
              <ToolbarItem>
                <FormSelect aria-label={t("inventory.attribute")} value={attribute} onChange={(_, v) => setAttribute(v as Attribute)}>
                  {ATTRIBUTES.map((a) => (
                    <FormSelectOption key={a} value={a} label={t(`inventory.${a}`)} />
                  ))}
                </FormSelect>
              </ToolbarItem>
              {attribute === "metadata" && (
                <ToolbarItem>
                  <TextInput aria-label={t("inventory.key")} placeholder={t("inventory.key")} value={key} onChange={(_, v) => setKey(v)} />
                </ToolbarItem>
              )}
              <ToolbarItem>
                <SearchInput
                  aria-label={t("inventory.value")}
                  placeholder={t("inventory.value")}
                  value={value}
                  onChange={(_, v) => setValue(v)}
                  onClear={() => setValue("")}
                  onSearch={search}
                  submitSearchButtonLabel={t("inventory.search")}
                  resetButtonLabel={t("inventory.clear")}
                />
              </ToolbarItem>
              <ToolbarItem>
                <FormSelect
                  aria-label={t("inventory.state")}
                  value={address.get("status") ?? ""}
                  onChange={(_, v) => change((to) => (v ? to.set("status", v) : to.delete("status")))}
                >
                  <FormSelectOption value="" label={`${t("inventory.state")}: ${t("inventory.all")}`} />
                  {STATES.map((s) => (
                    <FormSelectOption key={s} value={s} label={t(`status.${s}`)} />
                  ))}
                </FormSelect>
              </ToolbarItem>
            </ToolbarGroup>
            {pages}
          </ToolbarContent>
          {chips.length > 0 && (
            <ToolbarContent>
              <ToolbarItem>
                <LabelGroup numLabels={10}>{chips}</LabelGroup>
              </ToolbarItem>
              <ToolbarItem>
                <Button variant="link" isInline onClick={() => change((to) => [...ATTRIBUTES, "key", "status", "before"].forEach((name) => to.delete(name)))}>
                  {t("inventory.clear")}
                </Button>
              </ToolbarItem>
            </ToolbarContent>
          )}
        </Toolbar>
        <ErrorAlert error={page.error} />
        {page.isPending && <Skeleton height="20rem" screenreaderText={t("app.loading")} />}
        {page.data && rows.length === 0 && (
          <EmptyState titleText={t(filtered ? "inventory.none" : "inventory.empty")} headingLevel="h2" icon={SearchIcon}>
            <EmptyStateBody>{t(next ? "inventory.short" : filtered ? "inventory.noneText" : "dashboard.noneText")}</EmptyStateBody>
            <EmptyStateFooter>
              <EmptyStateActions>
                {filtered ? (
                  <Button variant="link" onClick={() => setAddress(new URLSearchParams())}>
                    {t("inventory.clear")}
                  </Button>
                ) : (
                  <Button component={(props: object) => <Link {...props} to="/issue" />}>{t("nav.places.issue")}</Button>
                )}
              </EmptyStateActions>
            </EmptyStateFooter>
          </EmptyState>
        )}
        {rows.length > 0 && (
          <Table aria-label={t("inventory.title")} variant="compact" gridBreakPoint="grid-lg">
            <Thead>
              <Tr>
                {COLUMNS.map((c, i) => (
                  <Th key={c.key} sort={sortOf(i)} modifier="nowrap">
                    {t(`inventory.${c.key}`)}
                  </Th>
                ))}
              </Tr>
            </Thead>
            <Tbody>
              {rows.map((one) => {
                const a = one.attributes ?? {};
                return (
                  <Tr key={one.id}>
                    <Td dataLabel={t("inventory.name")} modifier="breakWord">
                      <Link to={`/certificates/${one.id}`}>{a.common_name || a.subject || octets(a.serial).slice(0, 23)}</Link>
                    </Td>
                    <Td dataLabel={t("inventory.status")}>
                      <StateLabel state={stateOf(a)} />
                    </Td>
                    <Td dataLabel={t("inventory.issuer")} modifier="breakWord">
                      {a.issuer}
                    </Td>
                    <Td dataLabel={t("inventory.profile")} modifier="nowrap">
                      {a.profile}
                    </Td>
                    <Td dataLabel={t("inventory.notAfter")} modifier="nowrap">{date(i18n.language, a.not_after)}</Td>
                    <Td dataLabel={t("inventory.created")} modifier="nowrap">{instant(i18n.language, a.created_at)}</Td>
                    <Td dataLabel={t("inventory.serial")} modifier="truncate" className="siegel-mono">
                      {octets(a.serial)}
                    </Td>
                  </Tr>
                );
              })}
            </Tbody>
          </Table>
        )}
      </PageSection>
    </>
  );
}
