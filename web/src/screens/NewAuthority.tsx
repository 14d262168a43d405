// A new CA in four steps, each choice with what it means; what is left alone is sensible.
import { ActionGroup, Button, Card, CardBody, CardTitle, Checkbox, Content, Form, PageSection, ProgressStep, ProgressStepper, Radio, FormGroup } from "@patternfly/react-core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { useAll, useSend, useWhole } from "../api/hooks";
import { type Item, type Outcome, text } from "../api/rest";
import { usualFirst } from "../keytypes";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Done, Fact, Facts, SelectField, TextField, wrongWith } from "../parts/kit";
import { Title } from "../parts/Title";
import { attributesOfCa, nameOf, type NewCa, stepReady } from "./hierarchy";

const STEPS = ["place", "name", "key", "check"] as const;

/** The types that the store makes, the usual ones first. */
export function typesOf(store: Item | undefined): string[] {
  return usualFirst((store?.attributes.key_types as string[] | undefined) ?? []);
}

/** Profiles of CAs, for roots or for what stands below another one. */
export function profilesOf(profiles: readonly Item[]): Item[] {
  return profiles.filter((p) => (p.attributes.definition as { ca?: boolean } | undefined)?.ca === true);
}

export default function NewAuthority() {
  const { t } = useTranslation("hierarchy");
  const [address] = useSearchParams();
  const navigate = useNavigate();
  const wanted = address.get("parent") ?? "";
  const cas = useAll("/cas");
  const profiles = useAll("/profiles");
  const stores = useWhole("/key_stores");
  const [step, setStep] = useState(0);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [w, setWish] = useState<NewCa>({
    kind: "below", parent: wanted, cn: "", o: "", c: "", name: "", profile: "", keyType: "", keyStore: "", days: "", baseUrl: "", isDefault: false, offline: true,
  });
  const set = (change: Partial<NewCa>) => setWish({ ...w, ...change });
  const parents = (cas.data ?? []).filter((ca) => ["active", "offline"].includes(text(ca, "status")));
  const first = cas.data !== undefined && cas.data.length === 0;
  const wish: NewCa = {
    ...w,
    kind: parents.length === 0 && w.kind === "below" ? "root" : w.kind,
    parent: w.parent || text(parents[0], "name"),
    // The first CA of a tenant has none to take the addresses from.
    baseUrl: w.baseUrl || (first ? `http://${location.hostname}` : ""),
  };
  const create = useSend((done) => {
    if (done.approval || !done.item) {
      setOutcome(done);
    } else {
      void navigate(`/hierarchy/${done.item.id}`);
    }
  });
  const wrong = (name: string) => wrongWith(create.error, name);
  const store = (stores.data ?? []).find((s) => (w.keyStore ? s.id === w.keyStore : s.attributes.is_default === true));
  const labels = {
    name: t("name"), subject: t("cn"), parent: t("parent"), profile: t("profile"), key_type: t("keyType"), key_store: t("keyStore"), days: t("days"), base_url: t("baseUrl"),
  };
  const next = (event: FormEvent) => {
    event.preventDefault();
    if (!stepReady(wish, step)) {
      return;
    }
    if (step < STEPS.length - 1) {
      setStep(step + 1);
    } else {
      create.mutate({ path: "/cas", type: "cas", attributes: attributesOfCa(wish) });
    }
  };
  const kinds = ["root", "below", "external"] as const;
  const kindTexts = { root: t("kindRoot"), below: t("kindBelow"), external: t("kindExternal") };
  const kindHelp = { root: t("kindRootText"), below: t("kindBelowText"), external: t("kindExternalText") };
  return (
    <>
      <Title title={t("newTitle")} subtitle={t("newSubtitle")} />
      <PageSection>
        {outcome && <Done outcome={outcome} text={t("newDone")} />}
        <Card>
          <CardBody>
            <ProgressStepper isCenterAligned aria-label={t("steps")}>
              {STEPS.map((name, i) => (
                <ProgressStep
                  key={name}
                  id={`step-${name}`}
                  titleId={`step-${name}-title`}
                  variant={i < step ? "success" : i === step ? "info" : "pending"}
                  isCurrent={i === step}
                  aria-label={t(i < step ? "stepDone" : i === step ? "stepNow" : "stepLater", { step: t(`step.${name}`) })}
                >
                  {t(`step.${name}`)}
                </ProgressStep>
              ))}
            </ProgressStepper>
          </CardBody>
          <CardTitle component="h2">{t(`step.${STEPS[step] ?? "place"}`)}</CardTitle>
          <CardBody>
            <Form onSubmit={next}>
              <ErrorAlert error={cas.error ?? create.error} labels={labels} />
              {step === 0 && (
                <>
                  <FormGroup role="radiogroup" label={t("where")} fieldId="kind">
                    {kinds.map((kind) => (
                      <Radio
                        key={kind}
                        id={`kind-${kind}`}
                        name="kind"
                        label={kindTexts[kind]}
                        description={kindHelp[kind]}
                        isChecked={wish.kind === kind}
                        isDisabled={kind === "below" && parents.length === 0}
                        onChange={() => set({ kind })}
                      />
                    ))}
                  </FormGroup>
                  {wish.kind === "below" && (
                    <SelectField
                      label={t("parent")}
                      help={t("parentHelp")}
                      value={wish.parent}
                      onChange={(parent) => set({ parent })}
                      choices={parents.map((ca) => ({ value: text(ca, "name"), label: text(ca, "name") }))}
                    />
                  )}
                </>
              )}
              {step === 1 && (
                <>
                  <TextField label={t("cn")} help={t("cnHelp")} required value={w.cn} onChange={(cn) => set({ cn })} error={wrong("subject")} />
                  <TextField label={t("o")} value={w.o} onChange={(o) => set({ o })} />
                  <TextField label={t("c")} help={t("cHelp")} value={w.c} onChange={(c) => set({ c })} />
                  <TextField label={t("name")} help={t("nameHelp", { name: nameOf(w.cn) || "…" })} value={w.name} onChange={(name) => set({ name })} error={wrong("name")} />
                </>
              )}
              {step === 2 && (
                <>
                  <SelectField
                    label={t("keyStore")}
                    help={t("keyStoreHelp")}
                    value={w.keyStore}
                    onChange={(keyStore) => set({ keyStore, keyType: "" })}
                    error={wrong("key_store")}
                    choices={[{ value: "", label: t("keyStoreDefault") }, ...(stores.data ?? []).map((s) => ({ value: s.id, label: s.id }))]}
                  />
                  <SelectField
                    label={t("keyType")}
                    help={t("keyTypeHelp")}
                    value={w.keyType}
                    onChange={(keyType) => set({ keyType })}
                    error={wrong("key_type")}
                    choices={[{ value: "", label: t("keyTypeDefault") }, ...typesOf(store).map((one) => ({ value: one, label: one }))]}
                  />
                  {wish.kind !== "external" && (
                    <>
                      <SelectField
                        label={t("profile")}
                        help={t("profileHelp")}
                        value={w.profile}
                        onChange={(profile) => set({ profile })}
                        error={wrong("profile")}
                        choices={[
                          { value: "", label: t(wish.kind === "root" ? "profileRoot" : "profileSub") },
                          ...profilesOf(profiles.data ?? []).map((p) => ({ value: text(p, "name"), label: `${text(p, "title") || text(p, "name")} (${text(p, "name")})` })),
                        ]}
                      />
                      <TextField label={t("days")} help={t("daysHelp")} type="number" min={1} value={w.days} onChange={(days) => set({ days })} error={wrong("days")} />
                    </>
                  )}
                  <TextField label={t("baseUrl")} help={t(first ? "baseUrlFirst" : "baseUrlHelp")} value={wish.baseUrl} onChange={(baseUrl) => set({ baseUrl })} error={wrong("base_url")} />
                  {wish.kind === "root" && (
                    <Checkbox id="offline" label={t("offline")} description={t("offlineText")} isChecked={w.offline} onChange={(_, offline) => set({ offline })} />
                  )}
                  {wish.kind !== "root" && (
                    <Checkbox id="is-default" label={t("isDefault")} description={t("isDefaultText")} isChecked={w.isDefault} onChange={(_, isDefault) => set({ isDefault })} />
                  )}
                </>
              )}
              {step === 3 && (
                <>
                  <Content component="p">{t("checkText")}</Content>
                  <Facts>
                    <Fact name={t("where")}>{wish.kind === "below" ? t("belowOf", { name: wish.parent }) : kindTexts[wish.kind]}</Fact>
                    <Fact name={t("cn")}>{[w.cn, w.o, w.c.toUpperCase()].filter(Boolean).join(", ")}</Fact>
                    <Fact name={t("name")}>{w.name || nameOf(w.cn)}</Fact>
                    <Fact name={t("keyType")}>{w.keyType || t("keyTypeDefault")}</Fact>
                    <Fact name={t("keyStore")}>{w.keyStore || t("keyStoreDefault")}</Fact>
                    {wish.kind !== "external" && <Fact name={t("days")}>{w.days || t("daysDefault")}</Fact>}
                  </Facts>
                </>
              )}
              <ActionGroup>
                <Button type="submit" isDisabled={!stepReady(wish, step) || create.isPending || cas.isPending} isLoading={create.isPending}>
                  {t(step < STEPS.length - 1 ? "next" : "create")}
                </Button>
                {step > 0 && (
                  <Button variant="secondary" onClick={() => setStep(step - 1)}>
                    {t("back")}
                  </Button>
                )}
                <Button variant="link" component={(props: object) => <Link {...props} to="/hierarchy" />}>
                  {t("cancel")}
                </Button>
              </ActionGroup>
            </Form>
          </CardBody>
        </Card>
      </PageSection>
    </>
  );
}
