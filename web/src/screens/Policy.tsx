// One policy, or a new one: its rules as forms, a sample beside them that shows at once what they do, and what they would have done to all that was issued.
import { ActionGroup, Breadcrumb, BreadcrumbItem, Button, Card, CardBody, CardTitle, Checkbox, Content, Form, FormSelect, FormSelectOption, Grid, GridItem, LabelGroup, Label, PageSection, Skeleton } from "@patternfly/react-core";
import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import type { ApiError } from "../api/client";
import { useAll, useOne, useSend, useWhole } from "../api/hooks";
import { type Item, number, type Outcome, related, text } from "../api/rest";
import { useMay } from "../api/session";
import { STRUCTURES } from "../api/structures.gen";
import { count } from "../format";
import { useBuiltin } from "../i18n/say";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Dialog, Done, Fact, Facts, SelectField, TextField, wrongWith } from "../parts/kit";
import { Title } from "../parts/Title";
import { useOpened } from "../parts/opened";
import { SaveFault } from "../resources/SaveFault";
import { ConditionField, type Known } from "../structure/ConditionField";
import { Row } from "../structure/Row";
import { BEGINNINGS } from "../structure/rules";
import { RulesForm } from "../structure/RulesForm";
import { Structured } from "../structure/Structured";
import { type Structure, useStructure } from "../structure/useStructure";
import { useStructureWords } from "../structure/words";
import { faultsOf } from "./evaluation";
import { Trial } from "./Trial";

interface Things {
  profiles: Item[];
  cas: Item[];
  known: Known;
}
interface Props extends Things {
  policy: Item | null;
  done: Outcome | null;
  setDone: (outcome: Outcome | null) => void;
  onReload: () => void;
}

/** What a policy is about, as it is typed. */
interface About {
  name: string;
  title: string;
  enabled: boolean;
  ca: string;
  profile: string;
  operations: readonly string[];
  condition: string;
}

const OPERATIONS = STRUCTURES.policy_document.properties?.operation?.enum ?? [];

function Operations({ value, onChange, error }: { value: readonly string[]; onChange: (value: string[]) => void; error?: string }) {
  const words = useStructureWords("policy_document");
  const id = useId();
  const say = (one: string) => words.value("operation", one);
  return (
    <Row id={id} label={words.t("operations.choose")} fault={error} group>
      <LabelGroup aria-label={words.t("operations.choose")} numLabels={20}>
        {value.map((one) => (
          <Label key={one} variant="outline" onClose={() => onChange(value.filter((other) => other !== one))} closeBtnAriaLabel={words.t("screen.remove", { name: say(one) })}>
            {say(one)}
          </Label>
        ))}
      </LabelGroup>
      <FormSelect id={id} className="siegel-adder" value="" aria-label={words.t("operations.add")} onChange={(_, one) => one && onChange([...value, one])}>
        <FormSelectOption value="" label={words.t("operations.add")} isPlaceholder />
        {OPERATIONS.filter((one) => !value.includes(one)).map((one) => (
          <FormSelectOption key={one} value={one} label={`${say(one)} (${one})`} />
        ))}
      </FormSelect>
    </Row>
  );
}

function AboutFields({ about, set, error, profiles, cas, known }: Things & { about: About; set: (change: Partial<About>) => void; error: unknown }) {
  const { t } = useTranslation("rules");
  const words = useStructureWords("policy_document");
  const id = useId();
  const title = useBuiltin();
  const choices = (items: Item[]) => [{ value: "", label: t("all") }, ...items.map((one) => ({ value: text(one, "name"), label: title(text(one, "title")) || text(one, "name") }))];
  return (
    <>
      <TextField label={t("name")} help={t("nameHelp")} required value={about.name} onChange={(name) => set({ name })} error={wrongWith(error, "name")} />
      <TextField label={t("title")} value={about.title} onChange={(title) => set({ title })} error={wrongWith(error, "title")} />
      <Checkbox id="enabled" label={t("inForce")} description={t("inForceText")} isChecked={about.enabled} onChange={(_, enabled) => set({ enabled })} />
      <SelectField label={t("boundCa")} value={about.ca} onChange={(ca) => set({ ca })} error={wrongWith(error, "ca")} choices={choices(cas)} />
      <SelectField label={t("boundProfile")} value={about.profile} onChange={(profile) => set({ profile })} error={wrongWith(error, "profile")} choices={choices(profiles)} />
      <Operations value={about.operations} onChange={(operations) => set({ operations })} error={wrongWith(error, "operations")} />
      <ConditionField id={`${id}-condition`} label={t("condition")} help={t("conditionHelp")} path={about.condition} onChange={(condition) => set({ condition })} known={known} words={words} fault={wrongWith(error, "condition")} />
    </>
  );
}

function DryRun({ ran }: { ran: { certificates?: number; refused?: number; approval?: number; changed?: number } }) {
  const { t, i18n } = useTranslation("rules");
  const shown = (n: number | undefined) => count(i18n.language, n ?? 0);
  return (
    <div role="status">
      <Content component="p">{t("dryRunText")}</Content>
      <Facts>
        <Fact name={t("dryCertificates")}>{shown(ran.certificates)}</Fact>
        <Fact name={t("dryRefused")}>{shown(ran.refused)}</Fact>
        <Fact name={t("dryApproval")}>{shown(ran.approval)}</Fact>
        <Fact name={t("dryChanged")}>{shown(ran.changed)}</Fact>
      </Facts>
    </div>
  );
}

function Delete({ policy, onClose }: { policy: Item; onClose: () => void }) {
  const { t } = useTranslation("rules");
  const navigate = useNavigate();
  const remove = useSend((outcome) => void navigate(outcome.approval ? `/approvals/${outcome.approval}` : "/profiles?deleted=1"));
  return (
    <Dialog
      title={t("deletePolicy", { name: text(policy, "name") })}
      action={t("delete")}
      danger
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onDo={() => remove.mutate({ method: "DELETE", path: `/policies/${policy.id}` })}
    >
      <Content component="p">{t("deletePolicyText")}</Content>
    </Dialog>
  );
}

/** The policy on a sample, by a profile that is chosen. */
function Sample({ policy, about, structure, said, profiles, onFault }: { policy: Item | null; about: About; structure: Structure; said: Record<string, unknown>; profiles: Item[]; onFault: (error: ApiError | null) => void }) {
  const { t } = useTranslation("rules");
  const title = useBuiltin();
  const [by, setBy] = useState("");
  const usable = profiles.filter((p) => (p.attributes.definition as { internal?: boolean } | undefined)?.internal !== true);
  const tried = usable.find((p) => text(p, "name") === (by || about.profile)) ?? usable[0];
  return (
    tried && (
      <>
        <Form onSubmit={(event) => event.preventDefault()}>
          <SelectField label={t("tryBy")} help={t("tryByHelp")} value={text(tried, "name")} onChange={setBy} choices={usable.map((p) => ({ value: text(p, "name"), label: title(text(p, "title")) || text(p, "name") }))} />
        </Form>
        <div className="siegel-tab">
          <Trial profile={tried} draft={structure.fault ? undefined : { id: policy?.id ?? null, attributes: said }} onFault={onFault} />
        </div>
      </>
    )
  );
}

function useAbout({ policy, profiles, cas }: Pick<Props, "policy" | "profiles" | "cas">) {
  const nameOf = (items: Item[], id: string | null) => text(items.find((one) => one.id === id), "name");
  const item = policy ?? undefined;
  return useState<About>({
    name: text(item, "name"),
    title: text(item, "title"),
    // A new one is tried first: what it begins with would refuse most of what the profiles say.
    enabled: policy?.attributes.enabled === true,
    ca: nameOf(cas, related(item, "ca")),
    profile: nameOf(profiles, related(item, "profile")),
    operations: (policy?.attributes.operations as string[] | undefined) ?? ["certificate.issue", "certificate.renew"],
    condition: text(item, "condition"),
  });
}

function Editor({ policy, profiles, cas, known, done, setDone, onReload }: Props) {
  const { t } = useTranslation("rules");
  const navigate = useNavigate();
  const may = useMay();
  const id = useId();
  const [about, setAbout] = useAbout({ policy, profiles, cas });
  const structure = useStructure(policy ? policy.attributes.rules : [BEGINNINGS.shorter]);
  const [trial, setTrial] = useState<ApiError | null>(null);
  const [deleting, setDeleting] = useState(false);
  const said = { operations: about.operations, condition: about.condition.trim() || null, rules: structure.value, ca: about.ca || null, profile: about.profile || null };
  const save = useSend((outcome) => (!policy && outcome.item && !outcome.approval ? void navigate(`/policies/${outcome.item.id}`) : setDone(outcome)));
  const dry = useSend();
  const faults = { ...faultsOf(trial, "rules"), ...faultsOf(save.error, "rules") };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setDone(null);
    const attributes = { ...said, name: about.name, title: about.title.trim() || null, enabled: about.enabled, ...(policy ? { version: number(policy, "version") } : {}) };
    save.mutate(policy ? { method: "PATCH", path: `/policies/${policy.id}`, type: "policies", id: policy.id, attributes } : { path: "/policies", type: "policies", attributes });
  };
  const runDry = () => dry.mutate({ path: policy ? `/policies/${policy.id}/dry_run` : "/policies/dry_run", type: "dry_run", attributes: { ...said, limit: 5000 } });
  return (
    <Grid hasGutter>
      <GridItem xl={7}>
        <Card>
          <CardTitle component="h2">{t("policy")}</CardTitle>
          <CardBody>
            <Form onSubmit={submit} aria-label={t("policy")}>
              <Done outcome={done} text={t("saved")} />
              <SaveFault error={save.error} labels={{ name: t("name"), title: t("title"), ca: t("sampleCa"), profile: t("profile"), operations: t("operations"), condition: t("condition") }} onReload={onReload} />
              <AboutFields about={about} set={(change) => setAbout({ ...about, ...change })} error={save.error ?? trial} profiles={profiles} cas={cas} known={known} />
              <Structured name="policy_rules" label={t("rules")} structure={structure} rows={14} fault={Object.entries(faults).map(([at, what]) => `${at}: ${what}`)[0] ?? wrongWith(save.error, "rules")}>
                <RulesForm value={structure.value} onChange={structure.setValue} faults={faults} known={known} idBase={id} />
              </Structured>
              {may("policies.manage") && (
                <ActionGroup>
                  <Button type="submit" isDisabled={!about.name.trim() || structure.fault !== null || save.isPending} isLoading={save.isPending}>
                    {t("save")}
                  </Button>
                  <Button variant="secondary" isLoading={dry.isPending} isDisabled={structure.fault !== null || dry.isPending} onClick={runDry}>
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
              {dry.data?.item && <DryRun ran={dry.data.item.attributes} />}
            </Form>
          </CardBody>
        </Card>
      </GridItem>
      <GridItem xl={5} className="siegel-beside-form">
        <Sample policy={policy} about={about} structure={structure} said={said} profiles={profiles} onFault={setTrial} />
      </GridItem>
      {deleting && policy && <Delete policy={policy} onClose={() => setDeleting(false)} />}
    </Grid>
  );
}

export default function Policy() {
  const { t } = useTranslation("rules");
  const { id = "" } = useParams();
  const fresh = id === "new";
  const policy = useOne(`/policies/${id}`, !fresh);
  const [done, setDone] = useState<Outcome | null>(null);
  const [opened, setSaved, reload] = useOpened(policy, setDone, id);
  const profiles = useAll("/profiles");
  const cas = useAll("/cas");
  const roles = useAll("/roles");
  const rights = useWhole("/rights");
  const names = (items: Item[] | undefined) => (items ?? []).map((one) => text(one, "name") || one.id);
  // Rights that only show something decide nothing.
  const deciding = rights.data?.filter((one) => one.attributes.changes !== false);
  const known: Known = { profiles: names(profiles.data), cas: names(cas.data), roles: names(roles.data), rights: names(deciding) };
  const name = fresh ? t("newPolicy") : text(policy.data, "title") || text(policy.data, "name");
  const ready = profiles.data && cas.data && (fresh || opened);
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
        {ready && (
          <Editor
            key={fresh ? "new" : `${id}-${number(opened, "version")}`} policy={(!fresh && opened) || null} profiles={profiles.data} cas={cas.data} known={known} done={done} setDone={setSaved} onReload={reload}
          />
        )}
      </PageSection>
    </>
  );
}
