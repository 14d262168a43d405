// Settings: what a tenant's administrator changes here, and the appliance's configuration to look at.
import { ActionGroup, Button, Card, CardBody, CardTitle, Content, Form, Label, PageSection, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client";
import { useAll, useSend, useWhole } from "../api/hooks";
import { type Item, number, type Outcome, text } from "../api/rest";
import { attributesOf, useSession, useMay } from "../api/session";
import { date } from "../format";
import { useBuiltin } from "../i18n/say";
import { ErrorAlert } from "../parts/ErrorAlert";
import { AreaField, Done, Fact, Facts, SelectField, TextField, wrongWith } from "../parts/kit";
import { Title } from "../parts/Title";
import { useOpened } from "../parts/opened";
import { SaveFault } from "../resources/SaveFault";
import { Setting } from "./Setting";
import { metadataLines, metadataOf } from "./settings";

function Tenant({ tenant, done, setDone, onReload }: { tenant: Item; done: Outcome | null; setDone: (o: Outcome) => void; onReload: () => void }) {
  const { t, i18n } = useTranslation("settings");
  const may = useMay();
  const [title, setTitle] = useState(text(tenant, "title"));
  const [owner, setOwner] = useState(text(tenant, "owner"));
  const [metadata, setMetadata] = useState(metadataLines(tenant.attributes.metadata));
  const save = useSend(setDone);
  const parsed = metadataOf(metadata);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({
      method: "PATCH", path: `/tenants/${tenant.id}`, type: "tenants", id: tenant.id,
      attributes: { ...(title.trim() ? { title: title.trim() } : {}), owner: owner.trim() || null, metadata: parsed, version: number(tenant, "version") },
    });
  };
  return (
    <Card>
      <CardTitle component="h2">{t("tenant")}</CardTitle>
      <CardBody>
        <Facts>
          <Fact name={t("name")}>{text(tenant, "name")}</Fact>
          <Fact name={t("since")}>{date(i18n.language, text(tenant, "created_at"))}</Fact>
          {!may("tenants.manage") && <Fact name={t("title")}>{text(tenant, "title")}</Fact>}
          {!may("tenants.manage") && <Fact name={t("owner")}>{text(tenant, "owner")}</Fact>}
        </Facts>
        {may("tenants.manage") ? (
          <Form onSubmit={submit} className="siegel-tab">
            <Done outcome={done} text={t("saved")} />
            <SaveFault error={save.error} labels={{ title: t("title"), owner: t("owner"), metadata: t("metadata") }} onReload={onReload} />
            <TextField label={t("title")} help={t("titleHelp")} value={title} onChange={setTitle} error={wrongWith(save.error, "title")} />
            <TextField label={t("owner")} value={owner} onChange={setOwner} error={wrongWith(save.error, "owner")} />
            <AreaField
              label={t("metadata")}
              help={t("metadataHelp")}
              rows={3}
              value={metadata}
              onChange={setMetadata}
              error={parsed ? wrongWith(save.error, "metadata") : t("metadataFault")}
            />
            <ActionGroup>
              <Button type="submit" isDisabled={!parsed || save.isPending} isLoading={save.isPending}>
                {t("save")}
              </Button>
            </ActionGroup>
          </Form>
        ) : (
          <Content component="p">{t("byHouse")}</Content>
        )}
      </CardBody>
    </Card>
  );
}

function Defaults() {
  const { t } = useTranslation("settings");
  const may = useMay();
  const cas = useAll("/cas");
  const now = (cas.data ?? []).find((ca) => ca.attributes.is_default === true);
  const [chosen, setChosen] = useState("");
  const save = useSend(() => setChosen(""));
  const active = (cas.data ?? []).filter((ca) => text(ca, "status") === "active");
  return (
    <Card>
      <CardTitle component="h2">{t("defaults")}</CardTitle>
      <CardBody>
        <Form
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            save.mutate({ method: "PATCH", path: `/cas/${chosen}`, type: "cas", id: chosen, attributes: { is_default: true } });
          }}
        >
          <ErrorAlert error={cas.error ?? save.error} />
          <Done outcome={save.data} text={t("saved")} />
          {may("cas.manage") ? (
            <>
              <SelectField
                label={t("defaultCa")}
                help={t("defaultCaHelp")}
                value={chosen || (now?.id ?? "")}
                onChange={setChosen}
                choices={[...(now ? [] : [{ value: "", label: t("noDefault") }]), ...active.map((ca) => ({ value: ca.id, label: text(ca, "name") }))]}
              />
              <ActionGroup>
                <Button type="submit" isDisabled={chosen === "" || chosen === now?.id || save.isPending} isLoading={save.isPending}>
                  {t("save")}
                </Button>
              </ActionGroup>
            </>
          ) : (
            <Facts>
              <Fact name={t("defaultCa")}>{now ? text(now, "name") : t("noDefault")}</Fact>
            </Facts>
          )}
        </Form>
      </CardBody>
    </Card>
  );
}

function Configuration() {
  const { t } = useTranslation("settings");
  const settings = useWhole("/settings");
  const say = useBuiltin("options");
  const [search, setSearch] = useState("");
  const [changed, setChanged] = useState(false);
  const [open, setOpen] = useState<Item | null>(null);
  const words = search.toLowerCase();
  const rows = (settings.data ?? []).filter(
    (one) => (!changed || one.attributes.changed === true) && (one.id.includes(words) || `${text(one, "text")} ${say(text(one, "text"))}`.toLowerCase().includes(words)),
  );
  const elsewhere = settings.error instanceof ApiError && settings.error.status === 403;
  return (
    <Card>
      <CardTitle component="h2">{t("configuration")}</CardTitle>
      <CardBody>
        <Content component="p">{t("configurationText")}</Content>
        {elsewhere ? <Content component="p">{t("houseAlone")}</Content> : <ErrorAlert error={settings.error} />}
        {settings.isPending && <Skeleton height="12rem" screenreaderText={t("loading")} />}
        {settings.data && (
          <>
            <Form onSubmit={(event) => event.preventDefault()} role="search" aria-label={t("search")}>
              <TextField label={t("search")} value={search} onChange={setSearch} />
              <ActionGroup>
                <Button variant="secondary" aria-pressed={changed} onClick={() => setChanged(!changed)}>
                  {t(changed ? "showAll" : "showChanged")}
                </Button>
              </ActionGroup>
            </Form>
            <Table aria-label={t("configuration")} variant="compact" gridBreakPoint="grid-lg">
              <Thead>
                <Tr>
                  <Th>{t("option")}</Th>
                  <Th>{t("value")}</Th>
                  <Th>{t("standard")}</Th>
                  <Th>{t("meaning")}</Th>
                  <Th screenReaderText={t("changeShort")} />
                </Tr>
              </Thead>
              <Tbody>
                {rows.map((one) => (
                  <Tr key={one.id}>
                    <Td dataLabel={t("option")} className="siegel-mono" modifier="breakWord">
                      {one.id}
                    </Td>
                    <Td dataLabel={t("value")} modifier="breakWord">
                      {one.attributes.value === null ? <Label isCompact>{t(one.attributes.set === true ? "setHidden" : "unset")}</Label> : text(one, "value") || "–"}
                    </Td>
                    <Td dataLabel={t("standard")} modifier="breakWord">
                      {text(one, "default") || "–"}
                    </Td>
                    <Td dataLabel={t("meaning")} modifier="breakWord">
                      {say(text(one, "text"))}
                    </Td>
                    <Td>
                      {one.attributes.value !== null && (
                        <Button variant="link" isInline aria-label={t("change", { name: one.id })} onClick={() => setOpen(one)}>
                          {t("changeShort")}
                        </Button>
                      )}
                    </Td>
                  </Tr>
                ))}
              </Tbody>
            </Table>
            {rows.length === 0 && <Content component="p">{t("noneFits")}</Content>}
            {open && <Setting key={open.id} setting={open} onClose={() => setOpen(null)} />}
          </>
        )}
      </CardBody>
    </Card>
  );
}

export default function Settings() {
  const { t } = useTranslation("settings");
  const may = useMay();
  const session = useSession();
  const tenants = useAll("/tenants");
  const [done, setDone] = useState<Outcome | null>(null);
  const own = session.data ? attributesOf(session.data).tenant : undefined;
  const tenant = (tenants.data ?? []).find((one) => text(one, "name") === own) ?? tenants.data?.[0];
  const [opened, setSaved, reload] = useOpened({ data: tenant, isFetching: tenants.isFetching, refetch: tenants.refetch }, setDone);
  return (
    <>
      <Title title={t("pageTitle")} subtitle={t("subtitle")} />
      <PageSection>
        <ErrorAlert error={tenants.error} />
        <Stack hasGutter>
          <StackItem>{opened && <Tenant key={`${opened.id}-${number(opened, "version")}`} tenant={opened} done={done} setDone={setSaved} onReload={reload} />}</StackItem>
          <StackItem>
            <Defaults />
          </StackItem>
          {may("key_stores.manage") && (
            <StackItem>
              <Configuration />
            </StackItem>
          )}
        </Stack>
      </PageSection>
    </>
  );
}
