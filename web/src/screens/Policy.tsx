// One policy, or a new one: its rules to change, a sample that shows at once what they do, and what they would have done to all that was issued.
import { ActionGroup, Breadcrumb, BreadcrumbItem, Button, Card, CardBody, CardTitle, Checkbox, Content, Form, PageSection, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { ApiError } from "../api/client";
import { useAll, useOne, useSend } from "../api/hooks";
import { type Item, number, type Outcome, related, text } from "../api/rest";
import { useMay } from "../api/session";
import { count, list } from "../format";
import { useBuiltin } from "../i18n/say";
import { ErrorAlert } from "../parts/ErrorAlert";
import { AreaField, Dialog, Done, Fact, Facts, SelectField, TextField, wrongWith } from "../parts/kit";
import { Title } from "../parts/Title";
import { memberOf, parseJson } from "./evaluation";
import { Trial } from "./Trial";

const BEGINNING = `[
  {"name": "short", "require": "$.days <= 90", "pointer": "days",
   "message": "a certificate is valid for at most 90 days",
   "message_de": "Zertifikate gelten höchstens 90 Tage"}
]`;

interface Props {
  policy: Item | null;
  profiles: Item[];
  cas: Item[];
  done: Outcome | null;
  setDone: (outcome: Outcome | null) => void;
}

function Editor({ policy, profiles, cas, done, setDone }: Props) {
  const { t, i18n } = useTranslation("rules");
  const say = useBuiltin();
  const navigate = useNavigate();
  const may = useMay();
  const nameOf = (items: Item[], id: string | null) => text(items.find((one) => one.id === id), "name");
  const [name, setName] = useState(text(policy ?? undefined, "name"));
  const [title, setTitle] = useState(text(policy ?? undefined, "title"));
  const [enabled, setEnabled] = useState(policy ? policy.attributes.enabled === true : true);
  const [ca, setCa] = useState(nameOf(cas, related(policy ?? undefined, "ca")));
  const [profile, setProfile] = useState(nameOf(profiles, related(policy ?? undefined, "profile")));
  const [operations, setOperations] = useState(((policy?.attributes.operations as string[] | undefined) ?? ["certificate.issue", "certificate.renew"]).join("\n"));
  const [condition, setCondition] = useState(text(policy ?? undefined, "condition"));
  const [rules, setRules] = useState(policy ? JSON.stringify(policy.attributes.rules, null, 2) : BEGINNING);
  const [by, setBy] = useState("");
  const [deleting, setDeleting] = useState(false);
  const parsed = parseJson(rules);
  const said = { operations: list(operations), condition: condition.trim() || null, rules: parsed.value, ca: ca || null, profile: profile || null };
  const save = useSend((outcome) => {
    if (!policy && outcome.item && !outcome.approval) {
      void navigate(`/policies/${outcome.item.id}`);
    } else {
      setDone(outcome);
    }
  });
  const remove = useSend((outcome) => void navigate(outcome.approval ? `/approvals/${outcome.approval}` : "/profiles?deleted=1"));
  const dry = useSend();
  const usable = profiles.filter((p) => (p.attributes.definition as { internal?: boolean } | undefined)?.internal !== true);
  const tried = usable.find((p) => text(p, "name") === (by || profile)) ?? usable[0];
  const ruleFault = save.error instanceof ApiError ? memberOf(save.error.first?.source?.pointer) : "";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setDone(null);
    const attributes = { ...said, name, title: title.trim() || null, enabled, ...(policy ? { version: number(policy, "version") } : {}) };
    save.mutate(
      policy
        ? { method: "PATCH", path: `/policies/${policy.id}`, type: "policies", id: policy.id, attributes }
        : { path: "/policies", type: "policies", attributes },
    );
  };
  const ran = dry.data?.item?.attributes as { certificates?: number; refused?: number; approval?: number; changed?: number } | undefined;
  return (
    <Stack hasGutter>
      <StackItem>
        <Card>
          <CardTitle component="h2">{t("policy")}</CardTitle>
          <CardBody>
            <Form onSubmit={submit}>
              <Done outcome={done} text={t("saved")} />
              <ErrorAlert error={save.error} labels={{ name: t("name"), title: t("title"), ca: t("sampleCa"), profile: t("profile"), operations: t("operations"), condition: t("condition") }} />
              <TextField label={t("name")} help={t("nameHelp")} required value={name} onChange={setName} error={wrongWith(save.error, "name")} />
              <TextField label={t("title")} value={title} onChange={setTitle} error={wrongWith(save.error, "title")} />
              <Checkbox id="enabled" label={t("inForce")} description={t("inForceText")} isChecked={enabled} onChange={(_, v) => setEnabled(v)} />
              <SelectField
                label={t("boundCa")}
                value={ca}
                onChange={setCa}
                error={wrongWith(save.error, "ca")}
                choices={[{ value: "", label: t("all") }, ...cas.map((one) => ({ value: text(one, "name"), label: text(one, "name") }))]}
              />
              <SelectField
                label={t("boundProfile")}
                value={profile}
                onChange={setProfile}
                error={wrongWith(save.error, "profile")}
                choices={[{ value: "", label: t("all") }, ...profiles.map((one) => ({ value: text(one, "name"), label: say(text(one, "title")) || text(one, "name") }))]}
              />
              <AreaField label={t("operations")} help={t("operationsHelp")} rows={2} mono value={operations} onChange={setOperations} error={wrongWith(save.error, "operations")} />
              <TextField label={t("condition")} help={t("conditionHelp")} value={condition} onChange={setCondition} error={wrongWith(save.error, "condition")} />
              <AreaField
                label={t("rules")}
                help={t("rulesHelp")}
                required
                mono
                rows={14}
                value={rules}
                onChange={setRules}
                error={
                  parsed.fault ? t("notJson", { line: parsed.line, fault: parsed.fault }) : ruleFault.startsWith("rules") ? `${ruleFault}: ${save.error?.message ?? ""}` : undefined
                }
              />
              {may("policies.manage") && (
                <ActionGroup>
                  <Button type="submit" isDisabled={!name.trim() || parsed.fault !== null || save.isPending} isLoading={save.isPending}>
                    {t("save")}
                  </Button>
                  <Button
                    variant="secondary"
                    isLoading={dry.isPending}
                    isDisabled={parsed.fault !== null || dry.isPending}
                    onClick={() => dry.mutate({ path: policy ? `/policies/${policy.id}/dry_run` : "/policies/dry_run", type: "dry_run", attributes: { ...said, limit: 5000 } })}
                  >
                    {t("dryRun")}
                  </Button>
                  {policy && (
                    <Button variant="danger" onClick={() => setDeleting(true)}>
                      {t("delete")}
                    </Button>
                  )}
                </ActionGroup>
              )}
              <ErrorAlert error={dry.error} />
              {ran && (
                <div role="status">
                  <Content component="p">{t("dryRunText")}</Content>
                  <Facts>
                    <Fact name={t("dryCertificates")}>{count(i18n.language, ran.certificates ?? 0)}</Fact>
                    <Fact name={t("dryRefused")}>{count(i18n.language, ran.refused ?? 0)}</Fact>
                    <Fact name={t("dryApproval")}>{count(i18n.language, ran.approval ?? 0)}</Fact>
                    <Fact name={t("dryChanged")}>{count(i18n.language, ran.changed ?? 0)}</Fact>
                  </Facts>
                </div>
              )}
            </Form>
          </CardBody>
        </Card>
      </StackItem>
      {tried && (
        <StackItem>
          <Form>
            <SelectField
              label={t("tryBy")}
              help={t("tryByHelp")}
              value={text(tried, "name")}
              onChange={setBy}
              choices={usable.map((p) => ({ value: text(p, "name"), label: text(p, "title") || text(p, "name") }))}
            />
          </Form>
          <div className="siegel-tab">
            <Trial profile={tried} draft={parsed.fault ? undefined : { id: policy?.id ?? null, attributes: said }} />
          </div>
        </StackItem>
      )}
      {deleting && policy && (
        <Dialog
          title={t("deletePolicy", { name: text(policy, "name") })}
          action={t("delete")}
          danger
          busy={remove.isPending}
          error={remove.error}
          onClose={() => setDeleting(false)}
          onDo={() => remove.mutate({ method: "DELETE", path: `/policies/${policy.id}` })}
        >
          <Content component="p">{t("deletePolicyText")}</Content>
        </Dialog>
      )}
    </Stack>
  );
}

export default function Policy() {
  const { t } = useTranslation("rules");
  const { id = "" } = useParams();
  const fresh = id === "new";
  const policy = useOne(`/policies/${id}`, !fresh);
  const [done, setDone] = useState<Outcome | null>(null);
  const profiles = useAll("/profiles");
  const cas = useAll("/cas");
  const name = fresh ? t("newPolicy") : text(policy.data, "title") || text(policy.data, "name");
  const ready = profiles.data && cas.data && (fresh || policy.data);
  return (
    <>
      <Title
        title={name || t("policy")}
        subtitle={fresh ? undefined : text(policy.data, "name")}
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
        <ErrorAlert error={policy.error ?? profiles.error ?? cas.error} />
        {!ready && !policy.error && <Skeleton height="20rem" screenreaderText={t("loading")} />}
        {ready && <Editor key={fresh ? "new" : `${id}-${number(policy.data, "version")}`} policy={policy.data ?? null} profiles={profiles.data} cas={cas.data} done={done} setDone={setDone} />}
      </PageSection>
    </>
  );
}
