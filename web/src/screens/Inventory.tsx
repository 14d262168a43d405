import {
  Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, FormSelect, FormSelectOption, PageSection, Skeleton, Toolbar, ToolbarContent, ToolbarGroup,
  ToolbarItem,
} from "@patternfly/react-core";
import AngleLeftIcon from "@patternfly/react-icons/dist/esm/icons/angle-left-icon";
import AngleRightIcon from "@patternfly/react-icons/dist/esm/icons/angle-right-icon";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { type Certificate, useCas } from "../api/queries";
import { ErrorAlert } from "../parts/ErrorAlert";
import NoCa from "../parts/NoCa";
import { Notice } from "../parts/Notice";
import { Title } from "../parts/Title";
import { addressWith, conditionsOf, exportOf, extend, filterOf, hasRoom, SIZES, sizeOf, sortOf } from "./inventory";
import { Columns } from "./inventory/Columns";
import { Conditions } from "./inventory/Conditions";
import { Export, useExport } from "./inventory/Export";
import { Looking, useReach } from "./inventory/Looking";
import { type Action, Many, ManyMenu } from "./inventory/Many";
import { nameOf, Rows } from "./inventory/Rows";
import { Saved } from "./inventory/Saved";
import { Search } from "./inventory/Search";
import { useColumns } from "./inventory/useColumns";
import { useList } from "./inventory/useList";

type Listing = ReturnType<typeof useList>;

function Turn({ list, size, onSize }: { list: Listing; size: number; onSize: (size: string) => void }) {
  const { t } = useTranslation("inventory");
  return (
    <ToolbarGroup align={{ default: "alignEnd" }} role="group" aria-label={t("pages")}>
      <ToolbarItem>
        <FormSelect aria-label={t("perPage", { n: "" })} value={String(size)} onChange={(_, v) => onSize(v)}>
          {SIZES.map((n) => (
            <FormSelectOption key={n} value={String(n)} label={t("perPage", { n })} />
          ))}
        </FormSelect>
      </ToolbarItem>
      <ToolbarItem>
        <Button
          variant="plain" icon={<AngleLeftIcon />} aria-label={t("previous")} isDisabled={list.cursors.length === 0} onClick={() => list.turn(list.cursors.slice(0, -1))}
        />
        <span aria-live="polite">{t("page", { n: list.cursors.length + 1 })}</span>
        <Button
          variant="plain" icon={<AngleRightIcon />} aria-label={t("next")} isDisabled={!list.next || list.page.isPlaceholderData || list.looking}
          onClick={() => list.next && list.turn([...list.cursors, list.next])}
        />
      </ToolbarItem>
    </ToolbarGroup>
  );
}

/** Nothing there: what it may be, and what to do. */
function Nothing({ list, reach, isFiltered, onClear }: { list: Listing; reach: string | null; isFiltered: boolean; onClear: () => void }) {
  const { t } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const bare = !list.next && !isFiltered;
  const cas = useCas(bare);
  if (bare && cas.data?.length === 0) {
    return <NoCa />;
  }
  return (
    <EmptyState titleText={t(list.next ? "stopped" : isFiltered ? "none" : "empty")} headingLevel="h2" icon={SearchIcon}>
      <EmptyStateBody>{list.next && reach ? reach : t(isFiltered ? "noneText" : "emptyText")}</EmptyStateBody>
      <EmptyStateFooter>
        <EmptyStateActions>
          {list.next && (
            <Button variant="primary" onClick={list.goOn}>
              {t("goOn")}
            </Button>
          )}
          {isFiltered ? (
            <Button variant="link" onClick={onClear}>
              {t("clear")}
            </Button>
          ) : (
            <Button component={(props: object) => <Link {...props} to="/issue" />}>{base("nav.places.issue")}</Button>
          )}
        </EmptyStateActions>
      </EmptyStateFooter>
    </EmptyState>
  );
}

/** Those that are chosen by hand, for what is done with many; names by id. */
function useChecked() {
  const [checked, setChecked] = useState<Map<string, string>>(new Map());
  const check = (some: Certificate[], on: boolean) => {
    const to = new Map(checked);
    some.forEach((one) => (on ? to.set(one.id, nameOf(one)) : to.delete(one.id)));
    setChecked(to);
  };
  return { checked, check, clear: () => setChecked(new Map()) };
}

function Checked({ count, onClear }: { count: number; onClear: () => void }) {
  const { t } = useTranslation("inventory");
  return (
    <ToolbarItem className="siegel-middle">
      <span aria-live="polite">{t("select.checked", { count })}</span>{" "}
      <Button variant="link" isInline onClick={onClear}>
        {t("select.none")}
      </Button>
    </ToolbarItem>
  );
}

export default function Inventory() {
  const { t } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const navigate = useNavigate();
  const [address, setAddress] = useSearchParams();
  const [dialog, setDialog] = useState<"columns" | Action | null>(null);
  const [columns, setColumns] = useColumns(address, setAddress);
  const list = useList(address);
  const { checked, check, clear } = useChecked();
  const file = useExport();
  const conditions = conditionsOf(address);
  const { page, rows, looking } = list;
  const reach = useReach(page.data?.reach);
  const begin = () => {
    list.begin();
    clear();
  };
  const change = (to: URLSearchParams) => {
    begin();
    setAddress(to);
  };
  const set = (name: string, value: string) => {
    const to = new URLSearchParams(address);
    to.set(name, value);
    change(to);
  };
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
              {checked.size > 0 && <Checked count={checked.size} onClear={clear} />}
            </ToolbarGroup>
            <Turn list={list} size={sizeOf(address)} onSize={(size) => set("size", size)} />
          </ToolbarContent>
        </Toolbar>
        <ErrorAlert error={page.error ?? file.error} />
        {file.isSuccess && <Notice variant="success" isLiveRegion title={t("export.started")} />}
        {page.isPending && <Skeleton height="20rem" screenreaderText={base("app.loading")} />}
        {looking && <Looking parts={list.looked} reach={reach} onStop={list.stop} />}
        {page.data && !looking && rows.length === 0 && (
          <Nothing list={list} reach={reach} isFiltered={conditions.length > 0} onClear={() => change(addressWith(address, []))} />
        )}
        {rows.length > 0 && (
          <Rows rows={rows} columns={columns} checked={checked} sort={sortOf(address) ?? "-created_at"} onSort={(by) => set("sort", by)} onCheck={check} />
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
              clear();
            }
          }}
        />
      )}
    </>
  );
}
