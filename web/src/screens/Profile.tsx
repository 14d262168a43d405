// One profile: its definition to change, and a sample that shows at once what the change does.
import { ActionGroup, Breadcrumb, BreadcrumbItem, Button, Card, CardBody, CardTitle, Content, Form, PageSection, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { ApiError } from "../api/client";
import { useOne, useSend } from "../api/hooks";
import { type Item, type Outcome, number, text } from "../api/rest";
import { useMay } from "../api/session";
import { useBuiltin } from "../i18n/say";
import { ErrorAlert } from "../parts/ErrorAlert";
import { AreaField, Dialog, Done, TextField, wrongWith } from "../parts/kit";
import { Title } from "../parts/Title";
import { memberOf, parseJson } from "./evaluation";
import { Trial } from "./Trial";

function Editor({ profile, done, setDone }: { profile: Item; done: Outcome | null; setDone: (outcome: Outcome | null) => void }) {
  const { t } = useTranslation("rules");
  const navigate = useNavigate();
  const may = useMay();
  const before = JSON.stringify(profile.attributes.definition, null, 2);
  const [title, setTitle] = useState(text(profile, "title"));
  const [definition, setDefinition] = useState(before);
  const [deleting, setDeleting] = useState(false);
  const parsed = parseJson(definition);
  const save = useSend(setDone);
  const remove = useSend((outcome) => void navigate(outcome.approval ? `/approvals/${outcome.approval}` : "/profiles?deleted=1"));
  const internal = (profile.attributes.definition as { internal?: boolean } | undefined)?.internal === true;
  const changed = definition !== before || title !== text(profile, "title");
  const fault = save.error instanceof ApiError ? memberOf(save.error.first?.source?.pointer) : "";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setDone(null);
    save.mutate({
      method: "PATCH", path: `/profiles/${profile.id}`, type: "profiles", id: profile.id,
      attributes: { title: title.trim() || null, definition: parsed.value, version: number(profile, "version") },
    });
  };
  return (
    <Stack hasGutter>
      {!internal && (
        <StackItem>
          <Trial profile={profile} definition={definition === before ? undefined : parsed.value} />
        </StackItem>
      )}
      <StackItem>
        <Card>
          <CardTitle component="h2">{t("definition")}</CardTitle>
          <CardBody>
            <Form onSubmit={submit}>
              <Done outcome={done} text={t("saved")} />
              <ErrorAlert error={save.error} labels={{ title: t("title"), definition: t("definition") }} />
              {internal && <Content component="p">{t("internalText")}</Content>}
              <TextField label={t("title")} value={title} onChange={setTitle} error={wrongWith(save.error, "title")} />
              <AreaField
                label={t("definition")}
                help={t("definitionHelp")}
                mono
                rows={18}
                value={definition}
                onChange={setDefinition}
                error={
                  parsed.fault
                    ? t("notJson", { line: parsed.line, fault: parsed.fault })
                    : fault.startsWith("definition")
                      ? `${fault.slice("definition/".length) || t("definition")}: ${save.error?.message ?? ""}`
                      : undefined
                }
              />
              {may("profiles.manage") && (
                <ActionGroup>
                  <Button type="submit" isDisabled={!changed || parsed.fault !== null || save.isPending} isLoading={save.isPending}>
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
      </StackItem>
      {deleting && (
        <Dialog
          title={t("deleteProfile", { name: text(profile, "name") })}
          action={t("delete")}
          danger
          busy={remove.isPending}
          error={remove.error}
          onClose={() => setDeleting(false)}
          onDo={() => remove.mutate({ method: "DELETE", path: `/profiles/${profile.id}` })}
        >
          <Content component="p">{t("deleteProfileText")}</Content>
        </Dialog>
      )}
    </Stack>
  );
}

export default function Profile() {
  const { t } = useTranslation("rules");
  const { id = "" } = useParams();
  const profile = useOne(`/profiles/${id}`);
  const [done, setDone] = useState<Outcome | null>(null);
  const say = useBuiltin();
  const name = say(text(profile.data, "title")) || text(profile.data, "name");
  return (
    <>
      <Title
        title={name || t("profile")}
        subtitle={text(profile.data, "name")}
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
        {profile.isPending && <Skeleton height="20rem" screenreaderText={t("loading")} />}
        {profile.data && <Editor key={`${profile.data.id}-${number(profile.data, "version")}`} profile={profile.data} done={done} setDone={setDone} />}
      </PageSection>
    </>
  );
}
