import {
  ActionGroup,
  Button,
  Card,
  CardBody,
  CardTitle,
  ExpandableSection,
  Form,
  FormGroup,
  FormSelect,
  FormSelectOption,
  Grid,
  GridItem,
  PageSection,
  Radio,
  Stack,
  StackItem,
  TextArea,
  TextInput,
  EmptyState,
  EmptyStateBody,
} from "@patternfly/react-core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ApiError } from "../api/client";
import { useChange } from "../api/hooks";
import { type Certificate, type Profile, useCas, useProfiles } from "../api/queries";
import { create } from "../api/rest";
import { date, fileName, list } from "../format";
import { USUAL_KEY_TYPES } from "../keytypes";
import { useBuiltin } from "../i18n/say";
import { Code } from "../parts/Code";
import { Csr } from "../parts/Csr";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Field } from "../parts/Field";
import { Metadata, metadataOf, type Pair } from "../parts/Metadata";
import { bytesOfBase64, download } from "../parts/download";
import { Title } from "../parts/Title";
import { useArrival } from "../parts/head";
import NoCa from "../parts/NoCa";
import { Notice } from "../parts/Notice";

export interface Wish {
  own: boolean;
  csr: string;
  profile: string;
  ca: string;
  cn: string;
  dns: string;
  days: string;
  owner: string;
  o: string;
  ou: string;
  c: string;
  keyType: string;
  p12: boolean;
  password: string;
  ip: string;
  email: string;
  uri: string;
  st: string;
  l: string;
  serialNumber: string;
  metadata: Pair[];
}

const EMPTY: Wish = {
  own: true, csr: "", profile: "", ca: "", cn: "", dns: "", days: "", owner: "", o: "", ou: "", c: "", keyType: "", p12: false, password: "",
  ip: "", email: "", uri: "", st: "", l: "", serialNumber: "", metadata: [],
};

export type Collection = "cert_server" | "cert_client" | "cert_device";

/** Where a certificate of the profile is asked for: in the collection of its kind, and without one in any. */
export function collectionOf(kind: string | undefined): Collection {
  return kind === "cert_client" || kind === "cert_device" ? kind : "cert_server";
}

/** The attributes of the request: what was left empty isn't in it, so that the profile decides. */
export function attributesOfWish(w: Wish): Record<string, string | number | string[] | Record<string, string>> {
  const all: Record<string, string | number | string[] | Record<string, string>> = {};
  const put = (name: string, value: string) => {
    if (value.trim()) {
      all[name] = value.trim();
    }
  };
  put("profile", w.profile);
  put("ca", w.ca);
  put("cn", w.cn);
  put("o", w.o);
  put("ou", w.ou);
  put("c", w.c);
  put("st", w.st);
  put("l", w.l);
  put("serial_number", w.serialNumber);
  put("owner", w.owner);
  for (const kind of ["dns", "ip", "email", "uri"] as const) {
    const names = kind === "uri" ? lines(w.uri) : list(w[kind]);
    if (names.length > 0) {
      all[kind] = names;
    }
  }
  const metadata = metadataOf(w.metadata);
  if (metadata && Object.keys(metadata).length > 0) {
    all.metadata = metadata;
  }
  if (w.days.trim()) {
    all.cert_days = Number(w.days);
  }
  if (w.own) {
    all.csr = `${w.csr.trim()}\n`;
  } else {
    put("key_type", w.keyType);
    if (w.p12) {
      all.pkcs12_password = w.password;
    }
  }
  return all;
}

/** A URI may have commas and semicolons in it. */
function lines(text: string): string[] {
  return [...new Set(text.split(/\s+/).filter(Boolean))];
}

type Once = NonNullable<Certificate["attributes"]> & { private_key_pem?: string; pkcs12?: string; chain_pem?: string; pem?: string };
/** What came of it, to take away; the private key is in this answer alone. */
export function Result({ certificate, onAnother }: { certificate: Certificate; onAnother?: () => void }) {
  const { t, i18n } = useTranslation();
  const a = (certificate.attributes ?? {}) as Once;
  const top = useArrival<HTMLDivElement>();
  const name = a.common_name || a.subject || a.serial || "";
  return (
    <Stack hasGutter>
      <StackItem>
        <div ref={top} tabIndex={-1} role="group" aria-label={t("issue.done")} className="siegel-arrived">
          <Notice variant="success" title={t("issue.done")}>
            {t("issue.doneText", { name, date: date(i18n.language, a.not_after) })}
          </Notice>
        </div>
      </StackItem>
      {(a.private_key_pem || a.pkcs12) && (
        <StackItem>
          <Notice variant="warning" title={t("issue.keyOnce")} />
        </StackItem>
      )}
      {a.private_key_pem && (
        <StackItem>
          <Card>
            <CardTitle component="h2">{t("issue.privateKey")}</CardTitle>
            <CardBody>
              <Code label={t("issue.privateKey")} text={a.private_key_pem} file={fileName(name, "key.pem")} />
            </CardBody>
          </Card>
        </StackItem>
      )}
      {a.pkcs12 && (
        <StackItem>
          <Card>
            <CardTitle component="h2">{t("issue.pkcs12")}</CardTitle>
            <CardBody>
              <Button onClick={() => download(fileName(name, "p12"), bytesOfBase64(a.pkcs12 ?? ""), "application/x-pkcs12")}>
                {t("common.download")}
              </Button>
            </CardBody>
          </Card>
        </StackItem>
      )}
      <StackItem>
        <Card>
          <CardTitle component="h2">{t("issue.certificate")}</CardTitle>
          <CardBody>
            <Code label={t("issue.certificate")} text={a.pem ?? ""} file={fileName(name, "pem")} />
          </CardBody>
        </Card>
      </StackItem>
      {a.chain_pem && (
        <StackItem>
          <Card>
            <CardTitle component="h2">{t("issue.chain")}</CardTitle>
            <CardBody>
              <Code label={t("issue.chain")} text={a.chain_pem} file={fileName(name, "chain.pem")} />
            </CardBody>
          </Card>
        </StackItem>
      )}
      <StackItem>
        <div className="siegel-actions">
          <Button component={(props: object) => <Link {...props} to={`/certificates/${certificate.id}`} />}>{t("issue.toCertificate")}</Button>
          {onAnother && (
            <Button variant="secondary" onClick={onAnother}>
              {t("issue.another")}
            </Button>
          )}
        </div>
      </StackItem>
    </Stack>
  );
}

/** Its name for people. */
function titleOf(p: Profile, say: (text: string | undefined) => string): string {
  return say(p.attributes?.title) || p.attributes?.name || p.id;
}

/** Profiles that somebody may ask by: those that the house keeps for itself, and those of CAs, aren't. */
export function offered(profiles: Profile[]): Profile[] {
  return profiles.filter((p) => {
    const definition = (p.attributes?.definition ?? {}) as { internal?: boolean; ca?: boolean };
    return !definition.internal && !definition.ca;
  });
}

export default function Issue() {
  const { t } = useTranslation();
  const { t: words } = useTranslation("inventory");
  const profiles = useProfiles();
  const say = useBuiltin();
  const cas = useCas();
  const [w, setWish] = useState<Wish>(EMPTY);
  const [more, setMore] = useState(false);
  const [key, setKey] = useState(() => crypto.randomUUID());
  const choice = offered(profiles.data ?? []);
  const profile = choice.find((p) => p.attributes?.name === w.profile) ?? choice[0];
  const issuing = (cas.data ?? []).filter((ca) => ca.attributes?.status === "active" && !ca.attributes.external);
  const submit = useChange(() => {
    const collection = collectionOf(profile?.attributes?.kind);
    return create<Certificate>(`/${collection}`, collection, attributesOfWish({ ...w, profile: profile?.attributes?.name ?? "" }), key);
  });
  const set = (change: Partial<Wish>) => {
    setWish({ ...w, ...change });
    setKey(crypto.randomUUID()); // another wish is another certificate
  };
  const labels: Record<string, string> = {
    csr: t("issue.csr"), cn: t("issue.cn"), dns: t("issue.dns"), cert_days: t("issue.days"), owner: t("issue.owner"), profile: t("issue.profile"),
    ca: t("issue.ca"), o: t("issue.o"), ou: t("issue.ou"), c: t("issue.c"), key_type: t("issue.keyType"), pkcs12_password: t("issue.p12Password"),
    ip: words("issue.ip"), email: words("issue.email"), uri: words("issue.uri"), st: words("issue.st"), l: words("issue.l"),
    serial_number: words("issue.serialNumber"), metadata: words("issue.metadata"),
  };
  const wrong = (name: string) => {
    const e = submit.error;
    return e instanceof ApiError && e.about(name) ? e.first : undefined;
  };
  const state = (name: string) => (wrong(name) ? "error" : "default");
  const ready = metadataOf(w.metadata) !== null && (w.own ? w.csr.trim() !== "" : w.cn.trim() !== "" && (!w.p12 || w.password !== ""));
  const another = () => {
    submit.reset();
    setWish({ ...EMPTY, own: w.own, profile: w.profile, ca: w.ca });
    setKey(crypto.randomUUID());
  };
  const approval = submit.data?.approval ?? null;
  const made = approval === null ? submit.data?.item : null;

  if (made) {
    return (
      <>
        <Title title={t("issue.title")} />
        <PageSection>
          <Result certificate={made} onAnother={another} />
        </PageSection>
      </>
    );
  }
  if (cas.data && issuing.length === 0) {
    return (
      <>
        <Title title={t("issue.title")} />
        <PageSection>
          <NoCa />
        </PageSection>
      </>
    );
  }
  if (profiles.data && choice.length === 0) {
    return (
      <>
        <Title title={t("issue.title")} />
        <PageSection>
          <EmptyState titleText={t("issue.noProfiles")} headingLevel="h2">
            <EmptyStateBody>{t("issue.noProfilesText")}</EmptyStateBody>
          </EmptyState>
        </PageSection>
      </>
    );
  }
  return (
    <>
      <Title title={t("issue.title")} subtitle={t("issue.subtitle")} />
      <PageSection>
        <Card>
          <CardBody>
            <Form
              onSubmit={(event: FormEvent) => {
                event.preventDefault();
                submit.mutate();
              }}
            >
              <ErrorAlert error={profiles.error ?? cas.error ?? submit.error} labels={labels} />
              {approval !== null && (
                <Notice variant="info" title={t("issue.waits")}>
                  {t("issue.waitsText", { id: approval })}
                </Notice>
              )}
              <FormGroup role="radiogroup" label={t("issue.key")} fieldId="key">
                <Radio
                  id="key-own" name="key" label={t("issue.keyOwn")} description={t("issue.keyOwnText")} isChecked={w.own} onChange={() => set({ own: true })}
                />
                <Radio
                  id="key-here" name="key" label={t("issue.keyHere")} description={t("issue.keyHereText")} isChecked={!w.own} onChange={() => set({ own: false })}
                />
              </FormGroup>
              {w.own && (
                <Field id="csr" label={t("issue.csr")} help={t("issue.csrHelp")} error={wrong("csr")} required>
                  <Csr id="csr" value={w.csr} onChange={(csr) => set({ csr })} wrong={wrong("csr") !== undefined} />
                </Field>
              )}
              <Grid hasGutter md={6}>
                <GridItem>
                  <Field id="profile" label={t("issue.profile")} error={wrong("profile")}>
                    <FormSelect id="profile" value={profile?.attributes?.name ?? ""} onChange={(_, v) => set({ profile: v })} validated={state("profile")}>
                      {choice.map((p) => (
                        <FormSelectOption key={p.id} value={p.attributes?.name ?? ""} label={titleOf(p, say)} />
                      ))}
                    </FormSelect>
                  </Field>
                </GridItem>
                <GridItem>
                  <Field id="cn" label={t("issue.cn")} help={t("issue.cnHelp")} error={wrong("cn")} required={!w.own}>
                    <TextInput id="cn" value={w.cn} onChange={(_, v) => set({ cn: v })} validated={state("cn")} aria-describedby="cn-help" />
                  </Field>
                </GridItem>
              </Grid>
              {!w.own && (
                <FormGroup role="radiogroup" label={t("issue.format")} fieldId="format">
                  <Radio id="format-pem" name="format" label={t("issue.pem")} isChecked={!w.p12} onChange={() => set({ p12: false })} />
                  <Radio id="format-p12" name="format" label={t("issue.p12")} isChecked={w.p12} onChange={() => set({ p12: true })} />
                </FormGroup>
              )}
              {!w.own && w.p12 && (
                <Field id="p12" label={t("issue.p12Password")} help={t("issue.p12PasswordHelp")} error={wrong("pkcs12_password")} required>
                  <TextInput
                    id="p12" type="password" autoComplete="new-password" value={w.password} onChange={(_, v) => set({ password: v })}
                    validated={state("pkcs12_password")}
                  />
                </Field>
              )}
              <ExpandableSection toggleText={t(more ? "issue.less" : "issue.more")} isExpanded={more} onToggle={(_, v) => setMore(v)}>
                <Grid hasGutter md={6}>
                  <GridItem>
                    <Field id="dns" label={t("issue.dns")} help={t("issue.dnsHelp")} error={wrong("dns")}>
                      <TextArea id="dns" value={w.dns} onChange={(_, v) => set({ dns: v })} rows={3} resizeOrientation="vertical" />
                    </Field>
                  </GridItem>
                  <GridItem>
                    <Field id="ip" label={words("issue.ip")} help={words("issue.ipHelp")} error={wrong("ip")}>
                      <TextArea id="ip" value={w.ip} onChange={(_, v) => set({ ip: v })} rows={3} resizeOrientation="vertical" />
                    </Field>
                  </GridItem>
                  <GridItem>
                    <Field id="email" label={words("issue.email")} help={t("issue.dnsHelp")} error={wrong("email")}>
                      <TextArea id="email" value={w.email} onChange={(_, v) => set({ email: v })} rows={3} resizeOrientation="vertical" />
                    </Field>
                  </GridItem>
                  <GridItem>
                    <Field id="uri" label={words("issue.uri")} help={words("issue.uriHelp")} error={wrong("uri")}>
                      <TextArea id="uri" value={w.uri} onChange={(_, v) => set({ uri: v })} rows={3} resizeOrientation="vertical" />
                    </Field>
                  </GridItem>
                  <GridItem>
                    <Field id="days" label={t("issue.days")} help={t("issue.daysHelp")} error={wrong("cert_days")}>
                      <TextInput id="days" type="number" min={1} value={w.days} onChange={(_, v) => set({ days: v })} validated={state("cert_days")} />
                    </Field>
                  </GridItem>
                  <GridItem>
                    <Field id="ca" label={t("issue.ca")} error={wrong("ca")}>
                      <FormSelect id="ca" value={w.ca} onChange={(_, v) => set({ ca: v })} validated={state("ca")}>
                        <FormSelectOption value="" label={t("issue.caDefault")} />
                        {issuing.map((ca) => (
                          <FormSelectOption key={ca.id} value={ca.attributes?.name ?? ""} label={ca.attributes?.name ?? ca.id} />
                        ))}
                      </FormSelect>
                    </Field>
                  </GridItem>
                  <GridItem>
                    <Field id="owner" label={t("issue.owner")} help={t("issue.ownerHelp")} error={wrong("owner")}>
                      <TextInput id="owner" value={w.owner} onChange={(_, v) => set({ owner: v })} validated={state("owner")} />
                    </Field>
                  </GridItem>
                  <GridItem>
                    <Field id="o" label={t("issue.o")} error={wrong("o")}>
                      <TextInput id="o" value={w.o} onChange={(_, v) => set({ o: v })} validated={state("o")} />
                    </Field>
                  </GridItem>
                  <GridItem>
                    <Field id="ou" label={t("issue.ou")} error={wrong("ou")}>
                      <TextInput id="ou" value={w.ou} onChange={(_, v) => set({ ou: v })} validated={state("ou")} />
                    </Field>
                  </GridItem>
                  <GridItem>
                    <Field id="c" label={t("issue.c")} error={wrong("c")}>
                      <TextInput id="c" value={w.c} maxLength={2} onChange={(_, v) => set({ c: v.toUpperCase() })} validated={state("c")} />
                    </Field>
                  </GridItem>
                  {(["st", "l", "serialNumber"] as const).map((name) => (
                    <GridItem key={name}>
                      <Field id={name} label={words(`issue.${name}`)} error={wrong(name === "serialNumber" ? "serial_number" : name)}>
                        <TextInput id={name} value={w[name]} onChange={(_, v) => set({ [name]: v })} />
                      </Field>
                    </GridItem>
                  ))}
                  {!w.own && (
                    <GridItem>
                      <Field id="key-type" label={t("issue.keyType")} error={wrong("key_type")}>
                        <FormSelect id="key-type" value={w.keyType} onChange={(_, v) => set({ keyType: v })} validated={state("key_type")}>
                          <FormSelectOption value="" label={t("issue.keyTypeDefault")} />
                          {USUAL_KEY_TYPES.map((k) => (
                            <FormSelectOption key={k} value={k} label={k} />
                          ))}
                        </FormSelect>
                      </Field>
                    </GridItem>
                  )}
                  <GridItem span={12}>
                    <FormGroup label={words("issue.metadata")} role="group" fieldId="metadata">
                      <Metadata id="metadata" pairs={w.metadata} onChange={(metadata) => set({ metadata })} />
                    </FormGroup>
                  </GridItem>
                </Grid>
              </ExpandableSection>
              <ActionGroup>
                <Button type="submit" isLoading={submit.isPending} isDisabled={!ready || submit.isPending || !profile}>
                  {t(approval !== null ? "issue.again" : "issue.submit")}
                </Button>
              </ActionGroup>
            </Form>
          </CardBody>
        </Card>
      </PageSection>
    </>
  );
}
