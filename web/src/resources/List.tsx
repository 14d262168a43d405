// The list of any resource: pages by the server's cursors, its sort, its filters.
import {
  Button,
  EmptyState,
  EmptyStateActions,
  EmptyStateBody,
  EmptyStateFooter,
  Flex,
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
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useSearchParams } from "react-router";
import type { Page } from "../api/rest";
import { useRights } from "../api/session";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Notice } from "../parts/Notice";
import { Title } from "../parts/Title";
import { WhenInput } from "../parts/When";
import { ActionMenu } from "./Act";
import { labelsOf, useList } from "./api";
import {
  addressOf,
  columnsOf,
  type Field,
  filtersOf,
  isResource,
  labelOf,
  narrowingsOf,
  parameterOf,
  permitted,
  queryOf,
  resourceOf,
  type ResourceName,
  SIZES,
  type Thing,
} from "./model";
import { Reference } from "./Reference";
import { Refresh } from "./Refresh";
import { Other, Value } from "./Value";
import { type Speaker, useWords } from "./words";

type Change = (edit: (to: URLSearchParams) => void) => void;

/** What fits the chosen attribute: a text, one of its values, a day, another thing. */
function FilterValue({ resource, name, field, onFind }: { resource: ResourceName; name: string; field: Field; onFind: (value: string, how: string, key?: string) => void }) {
  const words = useWords();
  const { t } = words;
  const [text, setText] = useState("");
  const [key, setKey] = useState("");
  const options = field.kind === "bool" ? ["true", "false"] : field.values;
  const word = (one: string) => (field.kind === "bool" ? t(one === "true" ? "screen.yes" : "screen.no") : words.value(resource, name, one));
  const label = words.attribute(resource, name);
  if (options) {
    return (
      <ToolbarItem>
        <FormSelect aria-label={`${t("screen.value")}: ${label}`} value="" onChange={(_, value) => value && onFind(value, "is")}>
          <FormSelectOption value="" label={t("screen.choose")} />
          {options.map((one) => (
            <FormSelectOption key={one} value={one} label={word(one)} />
          ))}
        </FormSelect>
      </ToolbarItem>
    );
  }
  if (isResource(field.of) && field.kind !== "texts") {
    const byId = field.kind === "json";
    return (
      <ToolbarItem>
        <Reference
          id="siegel-filter-other"
          label={`${t("screen.value")}: ${label}`}
          of={field.of}
          byId={byId}
          chosen={null}
          clears
          onChoose={(choice) => choice && onFind(choice.value, "is")}
        />
      </ToolbarItem>
    );
  }
  if (field.kind === "time") {
    return (
      <>
        {(["ge", "lt"] as const).map((how) => (
          <ToolbarItem key={how}>
            <WhenInput label={t(how === "ge" ? "screen.from" : "screen.until", { what: label, value: "" })} value="" onChange={(value) => value && onFind(value, how)} />
          </ToolbarItem>
        ))}
      </>
    );
  }
  const find = () => text.trim() && (field.kind !== "map" || /^[A-Za-z0-9_.-]{1,64}$/.test(key)) && onFind(text.trim(), "is", key);
  return (
    <>
      {field.kind === "map" && (
        <ToolbarItem>
          <TextInput aria-label={t("screen.key")} placeholder={t("screen.key")} value={key} onChange={(_, to) => setKey(to)} />
        </ToolbarItem>
      )}
      <ToolbarItem>
        <SearchInput
          aria-label={`${t("screen.value")}: ${label}`}
          placeholder={label}
          value={text}
          onChange={(_, to) => setText(to)}
          onClear={() => setText("")}
          onSearch={find}
          submitSearchButtonLabel={t("screen.apply")}
          resetButtonLabel={t("screen.clear")}
        />
      </ToolbarItem>
    </>
  );
}

function Filters({ resource, change }: { resource: ResourceName; change: Change }) {
  const words = useWords();
  const filters = filtersOf(resource);
  const columns = columnsOf(resource);
  const rank = (name: string) => (columns.indexOf(name) + 1 || 100);
  const sorted = [...filters].sort(([a], [b]) => rank(a) - rank(b));
  const [chosen, setChosen] = useState(sorted[0]?.[0] ?? "");
  const field = sorted.find(([name]) => name === chosen)?.[1];
  if (!field) {
    return null;
  }
  return (
    <ToolbarGroup role="search" aria-label={words.t("screen.filter")}>
      <ToolbarItem>
        <FormSelect aria-label={words.t("screen.filterBy")} value={chosen} onChange={(_, name) => setChosen(name)}>
          {sorted.map(([name]) => (
            <FormSelectOption key={name} value={name} label={words.attribute(resource, name)} />
          ))}
        </FormSelect>
      </ToolbarItem>
      <FilterValue
        key={chosen}
        resource={resource}
        name={chosen}
        field={field}
        onFind={(value, how, key) => change((to) => to.set(parameterOf(chosen, field, how, key), value))}
      />
    </ToolbarGroup>
  );
}

function Chips({ resource, address, labels, change, words }: {
  resource: ResourceName;
  address: URLSearchParams;
  labels: Record<string, string>;
  change: Change;
  words: Speaker;
}) {
  const { fields, relationships } = resourceOf(resource);
  const narrowings = narrowingsOf(resource, address);
  if (narrowings.length === 0) {
    return null;
  }
  const chips = narrowings.map((one) => {
    const what = one.key ?? words.attribute(resource, one.attribute);
    const field = fields[one.attribute];
    const value =
      field?.kind === "bool" ? words.t(one.value === "true" ? "screen.yes" : "screen.no") : field?.values ? words.value(resource, one.attribute, one.value) : (labels[`${relationships[one.attribute]?.of}/${one.value}`] ?? one.value);
    const how = one.how === "contains" ? "contains" : one.how === "ge" || one.how === "gt" ? "from" : one.how === "is" ? "is" : "until";
    return (
      <Label
        key={one.parameter}
        variant="outline"
        closeBtnAriaLabel={`${words.t("screen.takeAway")}: ${what}`}
        onClose={() => change((to) => to.delete(one.parameter))}
      >
        {words.t(`screen.${how}`, { what, value })}
      </Label>
    );
  });
  return (
    <ToolbarContent>
      <ToolbarItem>
        <LabelGroup numLabels={10} aria-label={words.t("screen.filter")}>
          {chips}
        </LabelGroup>
      </ToolbarItem>
      <ToolbarItem>
        <Button variant="link" isInline onClick={() => change((to) => narrowings.forEach((one) => to.delete(one.parameter)))}>
          {words.t("screen.clear")}
        </Button>
      </ToolbarItem>
    </ToolbarContent>
  );
}

function Pager({ cursors, setCursors, next, change, address, words }: {
  cursors: string[];
  setCursors: (to: string[]) => void;
  next: string | null;
  change: Change;
  address: URLSearchParams;
  words: Speaker;
}) {
  const { t } = words;
  return (
    <ToolbarGroup align={{ default: "alignEnd" }} role="group" aria-label={t("screen.pages")}>
      <ToolbarItem>
        <FormSelect
          aria-label={t("screen.perPage", { n: "" })}
          value={address.get("size") ?? String(SIZES[0])}
          onChange={(_, size) => change((to) => to.set("size", size))}
        >
          {SIZES.map((n) => (
            <FormSelectOption key={n} value={String(n)} label={t("screen.perPage", { n })} />
          ))}
        </FormSelect>
      </ToolbarItem>
      <ToolbarItem>
        <Button
          variant="plain"
          icon={<AngleLeftIcon />}
          aria-label={t("screen.previous")}
          isDisabled={cursors.length === 0}
          onClick={() => setCursors(cursors.slice(0, -1))}
        />
        <span aria-live="polite">{t("screen.page", { n: cursors.length + 1 })}</span>
        <Button variant="plain" icon={<AngleRightIcon />} aria-label={t("screen.next")} isDisabled={!next} onClick={() => next && setCursors([...cursors, next])} />
      </ToolbarItem>
    </ToolbarGroup>
  );
}

function Rows({ resource, page, columns, sort, change, words }: {
  resource: ResourceName;
  page: Page<Thing>;
  columns: string[];
  sort: string;
  change: Change;
  words: Speaker;
}) {
  const table = resourceOf(resource);
  const labels = labelsOf(page.included);
  const active = columns.indexOf(sort.replace(/^-/, ""));
  const sortOf = (i: number) => {
    const name = columns[i] ?? "";
    return table.fields[name]?.sort
      ? {
          columnIndex: i,
          sortBy: { index: active < 0 ? undefined : active, direction: sort.startsWith("-") ? ("desc" as const) : ("asc" as const), defaultDirection: "asc" as const },
          onSort: (_: unknown, __: number, direction: string) => change((to) => to.set("sort", direction === "desc" ? `-${name}` : name)),
        }
      : undefined;
  };
  const cell = (thing: Thing, name: string, first: boolean): ReactNode => {
    if (first) {
      return table.one ? <Link to={addressOf(resource, thing.id)}>{textOfFirst(thing, name, resource, words)}</Link> : textOfFirst(thing, name, resource, words);
    }
    const field = table.fields[name];
    return field ? <Value resource={resource} name={name} field={field} value={thing.attributes?.[name]} short /> : <Other thing={thing} name={name} labels={labels} />;
  };
  const title = words.resource(resource).title;
  return (
    <Table aria-label={title} variant="compact" gridBreakPoint="grid-lg">
      <Thead>
        <Tr>
          {columns.map((name, i) => (
            <Th key={name} sort={sortOf(i)} modifier="nowrap">
              {words.attribute(resource, name)}
            </Th>
          ))}
          <Th screenReaderText={words.t("screen.overview")} />
        </Tr>
      </Thead>
      <Tbody>
        {page.data.map((thing) => (
          <Tr key={thing.id}>
            {columns.map((name, i) => (
              <Td key={name} dataLabel={words.attribute(resource, name)} modifier={table.fields[name]?.kind === "time" ? "nowrap" : "breakWord"}>
                {cell(thing, name, i === 0)}
              </Td>
            ))}
            <Td isActionCell>
              <ActionMenu resource={resource} thing={thing} />
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

/** The first column is the way to the thing, so it always says something. */
function textOfFirst(thing: Thing, name: string, resource: ResourceName, words: Speaker): string {
  const value = thing.attributes?.[name];
  const field = resourceOf(resource).fields[name];
  if (resource === "rights") {
    return words.right(thing.id);
  }
  if (field?.kind === "time" && typeof value === "string") {
    return words.instant(value);
  }
  if (field?.values && typeof value === "string") {
    return words.value(resource, name, value);
  }
  return typeof value === "string" && value ? value : typeof value === "number" ? String(value) : labelOf(thing);
}

export function ResourceList({ resource }: { resource: ResourceName }) {
  const words = useWords();
  const { t } = useTranslation();
  const rights = useRights();
  const location = useLocation();
  const [address, setAddress] = useSearchParams();
  const [cursors, setCursors] = useState<string[]>([]);
  const table = resourceOf(resource);
  const page = useList(resource, queryOf(resource, address, cursors.at(-1) ?? null));
  const change: Change = (edit) => {
    const to = new URLSearchParams(address);
    edit(to);
    setCursors([]);
    setAddress(to);
  };
  const own = words.resource(resource);
  const narrowed = narrowingsOf(resource, address).length > 0;
  const next = page.data?.next ?? null;
  const create = permitted(table.create, rights) && (
    <Button component={(props: object) => <Link {...props} to={`/r/${resource}/new`} />}>{own.create ?? words.t("screen.create")}</Button>
  );
  const things = page.data?.data ?? [];
  const said = (location.state as { said?: string } | null)?.said;
  return (
    <>
      <Title
        title={own.title}
        subtitle={own.purpose}
        actions={
          <Flex gap={{ default: "gapSm" }}>
            <Refresh busy={page.isFetching} onRefresh={() => void page.refetch()} />
            <ActionMenu resource={resource} />
            {create}
          </Flex>
        }
      />
      <PageSection>
        {said && <Notice variant="success" isLiveRegion title={said} />}
        {table.sort && (
          <Toolbar>
            <ToolbarContent>
              <Filters key={resource} resource={resource} change={change} />
              <Pager cursors={cursors} setCursors={setCursors} next={page.isPlaceholderData ? null : next} change={change} address={address} words={words} />
            </ToolbarContent>
            <Chips resource={resource} address={address} labels={labelsOf(page.data?.included ?? [])} change={change} words={words} />
          </Toolbar>
        )}
        <ErrorAlert error={page.error} />
        {page.isPending && <Skeleton height="20rem" screenreaderText={t("app.loading")} />}
        {page.data && things.length === 0 && (
          <EmptyState titleText={words.t(narrowed ? "screen.none" : "screen.empty")} headingLevel="h2">
            <EmptyStateBody>{next ? words.t("screen.short") : narrowed ? words.t("screen.noneText") : own.first}</EmptyStateBody>
            {!narrowed && create && (
              <EmptyStateFooter>
                <EmptyStateActions>{create}</EmptyStateActions>
              </EmptyStateFooter>
            )}
          </EmptyState>
        )}
        {page.data && things.length > 0 && (
          <Rows
            resource={resource}
            page={page.data}
            columns={columnsOf(resource)}
            sort={address.get("sort") ?? table.sort ?? ""}
            change={change}
            words={words}
          />
        )}
      </PageSection>
    </>
  );
}
