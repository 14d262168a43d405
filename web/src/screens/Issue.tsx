import { ActionGroup, Button, Card, CardBody, CardTitle, Content, EmptyState, EmptyStateBody, ExpandableSection, Form, PageSection, Stack, StackItem } from "@patternfly/react-core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ApiError } from "../api/client";
import { useChange } from "../api/hooks";
import { type Certificate, type Profile, useCas, useProfiles } from "../api/queries";
import { create } from "../api/rest";
import { date, fileName, list } from "../format";
import { Code } from "../parts/Code";
import { ErrorAlert } from "../parts/ErrorAlert";
import { metadataOf, type Pair } from "../parts/Metadata";
import { bytesOfBase64, download } from "../parts/download";
import { Title } from "../parts/Title";
import { useArrival } from "../parts/head";
import NoCa from "../parts/NoCa";
import { Notice } from "../parts/Notice";
import { Basics, type FieldsProps, FormatFields, KeyFields, More, useLabels } from "./issue/fields";

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

/** Profiles that somebody may ask by: those that the house keeps for itself, and those of CAs, aren't. */
export function offered(profiles: Profile[]): Profile[] {
  return profiles.filter((p) => {
    const definition = (p.attributes?.definition ?? {}) as { internal?: boolean; ca?: boolean };
    return !definition.internal && !definition.ca;
  });
}

/** Nothing that one may ask by. */
function NoProfiles() {
  const { t } = useTranslation();
  return (
    <EmptyState titleText={t("issue.noProfiles")} headingLevel="h2">
      <EmptyStateBody>{t("issue.noProfilesText")}</EmptyStateBody>
    </EmptyState>
  );
}

/** Fields that are always on show. */
const FIRST = new Set(["csr", "cn", "profile", "pkcs12_password"]);

/** What nobody can be spared to say, by the attribute's name. */
export function missingOf(w: Pick<Wish, "own" | "csr" | "cn" | "p12" | "password">): string[] {
  if (w.own) {
    return w.csr.trim() ? [] : ["csr"];
  }
  return [...(w.cn.trim() ? [] : ["cn"]), ...(w.p12 && !w.password ? ["pkcs12_password"] : [])];
}

export default function Issue() {
  const { t } = useTranslation();
  const { t: words } = useTranslation("inventory");
  const profiles = useProfiles();
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
  const labels = useLabels();
  const wrong = (name: string) => {
    const e = submit.error;
    return e instanceof ApiError && e.about(name) ? e.first : undefined;
  };
  const missing = missingOf(w).map((name) => labels[name]);
  const ready = metadataOf(w.metadata) !== null && missing.length === 0;
  // What is wrong is seen, also where it is folded away.
  const folded = Object.keys(labels).some((name) => !FIRST.has(name) && wrong(name));
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
  if ((cas.data && issuing.length === 0) || (profiles.data && choice.length === 0)) {
    return (
      <>
        <Title title={t("issue.title")} />
        <PageSection>{cas.data && issuing.length === 0 ? <NoCa /> : <NoProfiles />}</PageSection>
      </>
    );
  }
  const fields: FieldsProps = { w, set, wrong };
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
              <KeyFields {...fields} />
              <Basics {...fields} choice={choice} chosen={profile?.attributes?.name ?? ""} />
              {!w.own && <FormatFields {...fields} />}
              <ExpandableSection toggleText={t(more || folded ? "issue.less" : "issue.more")} isExpanded={more || folded} onToggle={(_, v) => setMore(v)}>
                <More {...fields} issuing={issuing} />
              </ExpandableSection>
              <ActionGroup>
                <Button type="submit" isLoading={submit.isPending} isDisabled={!ready || submit.isPending || !profile}>
                  {t(approval !== null ? "issue.again" : "issue.submit")}
                </Button>
                {missing.length > 0 && <Content component="small">{words("issue.missing", { what: missing.join(", ") })}</Content>}
              </ActionGroup>
            </Form>
          </CardBody>
        </Card>
      </PageSection>
    </>
  );
}
