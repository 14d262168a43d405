// One profile, or a new one: its definition as a form, and a sample beside it that shows at once what each change does.
import { ActionGroup, Breadcrumb, BreadcrumbItem, Button, Card, CardBody, CardTitle, Content, Form, Grid, GridItem, PageSection, Skeleton } from "@patternfly/react-core";
import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import type { ApiError } from "../api/client";
import { useAll, useOne, useSend } from "../api/hooks";
import { type Item, type Outcome, number, text } from "../api/rest";
import { useMay } from "../api/session";
import { useBuiltin } from "../i18n/say";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Dialog, Done, SelectField, TextField, wrongWith } from "../parts/kit";
import { Title } from "../parts/Title";
import { useOpened } from "../parts/opened";
import { SaveFault } from "../resources/SaveFault";
import { ProfileForm } from "../structure/ProfileForm";
import { Structured } from "../structure/Structured";
import { type Structure, useStructure } from "../structure/useStructure";
import { faultsOf } from "./evaluation";
import { Trial } from "./Trial";

const isInternal = (definition: unknown) => (definition as { internal?: unknown } | null | undefined)?.internal === true;

/** The definition in its two views, with what the server says of each member: of the last attempt to save, else of the trial. */
function Definition({ structure, error, trial }: { structure: Structure; error: unknown; trial: ApiError | null }) {
  const { t } = useTranslation("rules");
  const id = useId();
  const faults = { ...faultsOf(trial, "definition"), ...faultsOf(error, "definition") };
  return (
    <Structured name="profile_definition" label={t("definition")} structure={structure} fault={Object.entries(faults).map(([at, said]) => `${at}: ${said}`)[0] ?? wrongWith(error, "definition")}>
      <ProfileForm value={structure.value} onChange={structure.setValue} faults={faults} idBase={id} />
    </Structured>
  );
}

function Delete({ profile, onClose }: { profile: Item; onClose: () => void }) {
  const { t } = useTranslation("rules");
  const navigate = useNavigate();
  const remove = useSend((outcome) => void navigate(outcome.approval ? `/approvals/${outcome.approval}` : "/profiles?deleted=1"));
  return (
    <Dialog
      title={t("deleteProfile", { name: text(profile, "name") })}
      action={t("delete")}
      danger
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onDo={() => remove.mutate({ method: "DELETE", path: `/profiles/${profile.id}` })}
    >
      <Content component="p">{t("deleteProfileText")}</Content>
    </Dialog>
  );
}

function Editor({ profile, done, setDone, onReload }: { profile: Item; done: Outcome | null; setDone: (outcome: Outcome | null) => void; onReload: () => void }) {
  const { t } = useTranslation("rules");
  const may = useMay();
  const [title, setTitle] = useState(text(profile, "title"));
  const structure = useStructure(profile.attributes.definition);
  const [deleting, setDeleting] = useState(false);
  const [trial, setTrial] = useState<ApiError | null>(null);
  const save = useSend(setDone);
  const internal = isInternal(profile.attributes.definition);
  const changed = structure.changed || title !== text(profile, "title");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setDone(null);
    save.mutate({
      method: "PATCH", path: `/profiles/${profile.id}`, type: "profiles", id: profile.id,
      attributes: { title: title.trim() || null, definition: structure.value, version: number(profile, "version") },
    });
  };
  return (
    <Grid hasGutter>
      <GridItem xl={internal ? 12 : 7}>
        <Card>
          <CardTitle component="h2">{t("definition")}</CardTitle>
          <CardBody>
            <Form onSubmit={submit} aria-label={t("definition")}>
              <Done outcome={done} text={t("saved")} />
              <SaveFault error={save.error} labels={{ title: t("title"), definition: t("definition") }} onReload={onReload} />
              <Content component="p">{t(internal ? "internalText" : "definitionHelp")}</Content>
              <TextField label={t("title")} value={title} onChange={setTitle} error={wrongWith(save.error, "title")} />
              <Definition structure={structure} error={save.error} trial={trial} />
              {may("profiles.manage") && (
                <ActionGroup>
                  <Button type="submit" isDisabled={!changed || structure.fault !== null || save.isPending} isLoading={save.isPending}>
                    {t("save")}
                  </Button>
                  <Button variant="danger" onClick={() => setDeleting(true)}>
                    {t("delete")}
                  </Button>
                </ActionGroup>
              )}
            </Form>
          </CardBody>
        </Card>
      </GridItem>
      {!internal && (
        <GridItem xl={5} className="siegel-beside-form">
          <Trial profile={profile} definition={structure.changed ? structure.last : undefined} onFault={setTrial} />
        </GridItem>
      )}
      {deleting && <Delete profile={profile} onClose={() => setDeleting(false)} />}
    </Grid>
  );
}

/** A new one: begun from a template, tried before it is stored. */
function Fresh({ template }: { template: Item }) {
  const { t } = useTranslation("rules");
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [title, setTitle] = useState("");
  const [kind, setKind] = useState(text(template, "kind"));
  const structure = useStructure(template.attributes.definition);
  const [trial, setTrial] = useState<ApiError | null>(null);
  const create = useSend((done) => void navigate(done.approval ? `/approvals/${done.approval}` : `/profiles/${done.item?.id ?? ""}`));
  const internal = isInternal(structure.value);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ path: "/profiles", type: "profiles", attributes: { name: name.trim(), kind, ...(title.trim() ? { title: title.trim() } : {}), definition: structure.value } });
  };
  return (
    <Grid hasGutter>
      <GridItem xl={internal ? 12 : 7}>
        <Card>
          <CardTitle component="h2">{t("profile")}</CardTitle>
          <CardBody>
            <Form onSubmit={submit} aria-label={t("profile")}>
              <ErrorAlert error={create.error} labels={{ name: t("name"), kind: t("kind"), title: t("title"), definition: t("definition") }} />
              <TextField label={t("name")} help={t("nameHelp")} required value={name} onChange={setName} error={wrongWith(create.error, "name")} />
              <TextField label={t("title")} help={t("titlePeople")} value={title} onChange={setTitle} error={wrongWith(create.error, "title")} />
              <SelectField
                label={t("kind")} help={t("kindHelp")} value={kind} onChange={setKind} error={wrongWith(create.error, "kind")}
                choices={(["cert_server", "cert_client", "cert_device", "certificate"] as const).map((one) => ({ value: one, label: t(`kinds.${one}`) }))}
              />
              <Definition structure={structure} error={create.error} trial={trial} />
              <ActionGroup>
                <Button type="submit" isDisabled={!name.trim() || structure.fault !== null || create.isPending} isLoading={create.isPending}>
                  {t("create")}
                </Button>
              </ActionGroup>
            </Form>
          </CardBody>
        </Card>
      </GridItem>
      {!internal && (
        <GridItem xl={5} className="siegel-beside-form">
          <Trial kind={kind} definition={structure.last} onFault={setTrial} />
        </GridItem>
      )}
    </Grid>
  );
}

function Begin() {
  const { t, i18n } = useTranslation("rules");
  const templates = useAll("/profile_templates");
  const [chosen, setChosen] = useState("");
  const german = i18n.language === "de";
  const said = (one: Item, name: string) => (german && text(one, `${name}_de`)) || text(one, name);
  const all = templates.data ?? [];
  const template = all.find((one) => text(one, "name") === chosen);
  return (
    <>
      <ErrorAlert error={templates.error} />
      {templates.isPending && <Skeleton height="8rem" screenreaderText={t("loading")} />}
      {templates.data && (
        <Form className="siegel-begin" onSubmit={(event) => event.preventDefault()}>
          <SelectField
            label={t("template")} help={template ? said(template, "description") : t("templateHelp")} value={chosen} onChange={setChosen}
            choices={[{ value: "", label: t("chooseTemplate") }, ...[...all].sort((a, b) => Number(isInternal(a.attributes.definition)) - Number(isInternal(b.attributes.definition)) || said(a, "title").localeCompare(said(b, "title"), i18n.language)).map((one) => ({ value: text(one, "name"), label: said(one, "title") }))]}
          />
        </Form>
      )}
      {template && <Fresh key={template.id} template={template} />}
    </>
  );
}

export default function Profile() {
  const { t } = useTranslation("rules");
  const { id = "" } = useParams();
  const fresh = id === "new";
  const profile = useOne(`/profiles/${id}`, !fresh);
  const [done, setDone] = useState<Outcome | null>(null);
  const [opened, setSaved, reload] = useOpened(profile, setDone, id);
  const say = useBuiltin();
  const name = fresh ? t("fromTemplate") : say(text(profile.data, "title")) || text(profile.data, "name");
  return (
    <>
      <Title
        title={name || t("profile")}
        subtitle={fresh ? t("freshText") : text(profile.data, "name")}
        above={
          <Breadcrumb aria-label={t("path")}>
            <BreadcrumbItem>
              <Link to="/profiles">{t("pageTitle")}</Link>
            </BreadcrumbItem>
            <BreadcrumbItem isActive>{name}</BreadcrumbItem>
          </Breadcrumb>
        }
      />
      <PageSection>
        <ErrorAlert error={profile.error} />
        {fresh && <Begin />}
        {!fresh && !opened && !profile.error && <Skeleton height="20rem" screenreaderText={t("loading")} />}
        {!fresh && opened && <Editor key={`${opened.id}-${number(opened, "version")}`} profile={opened} done={done} setDone={setSaved} onReload={reload} />}
      </PageSection>
    </>
  );
}
