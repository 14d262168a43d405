// The page of a CA: what it is, its certificates, its key, its lists, and all that can be done to it.
import {
  Breadcrumb,
  BreadcrumbItem,
  Button,
  Card,
  CardBody,
  CardTitle,
  Checkbox,
  Content,
  ExpandableSection,
  PageSection,
  Skeleton,
  Stack,
  StackItem,
} from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { useAll, useOne, usePage, useSend, useWhole } from "../api/hooks";
import { type Item, number, type Outcome, related, text } from "../api/rest";
import { useMay } from "../api/session";
import { count, date, fileName, instant, octets } from "../format";
import { Code } from "../parts/Code";
import { ErrorAlert } from "../parts/ErrorAlert";
import { AreaField, Dialog, Done, Fact, Facts, SelectField, TextField, wrongWith } from "../parts/kit";
import { Notice } from "../parts/Notice";
import { Title } from "../parts/Title";
import { CaStatus } from "./Hierarchy";
import { actionsOf, type CaAction, endsSoon } from "./hierarchy";

const REASONS = { unspecified: 0, keyCompromise: 1, caCompromise: 2, affiliationChanged: 3, superseded: 4, cessationOfOperation: 5 } as const;
type Reason = keyof typeof REASONS;

/** The dialog of one action: its words, its fields, its request. */
function CaDialog({ ca, action, onClose, onDone }: { ca: Item; action: Exclude<CaAction, "subordinate">; onClose: () => void; onDone: (o: Outcome) => void }) {
  const { t } = useTranslation("hierarchy");
  const [days, setDays] = useState("");
  const [keyType, setKeyType] = useState("");
  const [store, setStore] = useState("");
  const [other, setOther] = useState("");
  const [pem, setPem] = useState("");
  const [reason, setReason] = useState<Reason>("superseded");
  const [also, setAlso] = useState(false);
  const stores = useWhole("/key_stores", action === "rollover");
  const cas = useAll("/cas", action === "cross");
  const change = useSend(onDone);
  const name = text(ca, "name");
  const path = `/cas/${ca.id}` as const;
  const more = days.trim() ? { days: Number(days) } : {};
  const chosen = stores.data?.find((s) => s.id === (store || (stores.data.find((one) => one.attributes.is_default === true)?.id ?? "")));
  const types = (chosen?.attributes.key_types as string[] | undefined) ?? [];
  const send = () => {
    switch (action) {
      case "install":
        return change.mutate({ path: `${path}/install`, type: "install", attributes: { certificate: pem } });
      case "renew":
        return change.mutate({ path: `${path}/renew`, type: "renew", attributes: more });
      case "rollover":
        return change.mutate({
          path: `${path}/rollover`, type: "rollover", attributes: { ...more, ...(keyType ? { key_type: keyType } : {}), ...(store ? { key_store: store } : {}) },
        });
      case "cross":
        return change.mutate({
          path: `${path}/cross`, type: "cross",
          attributes: { ...more, ...(other ? { ca: other } : pem.includes("REQUEST") ? { csr: pem } : { certificate: pem }) },
        });
      case "makeDefault":
        return change.mutate({ method: "PATCH", path, type: "cas", id: ca.id, attributes: { is_default: true } });
      case "retire":
        return change.mutate({ path: `${path}/retire`, type: "retire", attributes: also ? { revoke: true } : {} });
      case "revoke":
        return change.mutate({ path: `${path}/revoke`, type: "revoke", attributes: { reason: REASONS[reason] } });
      case "remove":
        return change.mutate({ method: "DELETE", path });
      default:
        return change.mutate({ path: `${path}/${action}`, type: action, attributes: {} });
    }
  };
  const wrong = (field: string) => wrongWith(change.error, field);
  const daysField = <TextField label={t("days")} help={t("daysHelp")} type="number" min={1} value={days} onChange={setDays} error={wrong("days")} />;
  return (
    <Dialog
      title={t(`actions.${action}.title`, { name })}
      action={t(`actions.${action}.do`)}
      danger={action === "retire" || action === "revoke" || action === "remove"}
      busy={change.isPending}
      disabled={(action === "install" && !pem.trim()) || (action === "cross" && !other && !pem.trim())}
      error={change.error}
      onDo={send}
      onClose={onClose}
    >
      <Content component="p">{t(`actions.${action}.text`)}</Content>
      {action === "install" && <AreaField label={t("chainPem")} help={t("chainPemHelp")} required mono rows={8} value={pem} onChange={setPem} error={wrong("certificate")} />}
      {action === "cross" && (
        <>
          <SelectField
            label={t("crossCa")}
            value={other}
            onChange={setOther}
            error={wrong("ca")}
            choices={[
              { value: "", label: t("crossElsewhere") },
              ...(cas.data ?? []).filter((one) => one.id !== ca.id && text(one, "pem") !== "").map((one) => ({ value: text(one, "name"), label: text(one, "name") })),
            ]}
          />
          {!other && <AreaField label={t("crossPem")} help={t("crossPemHelp")} required mono rows={6} value={pem} onChange={setPem} error={wrong("certificate") ?? wrong("csr")} />}
        </>
      )}
      {action === "rollover" && (
        <>
          <SelectField
            label={t("keyStore")}
            value={store}
            onChange={setStore}
            error={wrong("key_store")}
            choices={[{ value: "", label: t("keyStoreDefault") }, ...(stores.data ?? []).map((s) => ({ value: s.id, label: s.id }))]}
          />
          <SelectField
            label={t("keyType")}
            value={keyType}
            onChange={setKeyType}
            error={wrong("key_type")}
            choices={[{ value: "", label: t("keyTypeSame", { type: text(ca, "key_type") }) }, ...types.map((one) => ({ value: one, label: one }))]}
          />
        </>
      )}
      {(action === "renew" || action === "rollover" || action === "cross") && daysField}
      {action === "retire" && <Checkbox id="retire-revoke" label={t("retireRevoke")} description={t("retireRevokeText")} isChecked={also} onChange={(_, v) => setAlso(v)} />}
      {action === "revoke" && (
        <SelectField
          label={t("reason")}
          value={reason}
          onChange={(v) => setReason(v as Reason)}
          choices={(Object.keys(REASONS) as Reason[]).map((r) => ({ value: r, label: t(`reasons.${r}`) }))}
        />
      )}
    </Dialog>
  );
}

type CertificateKind = "own" | "previous" | "link_new_with_old" | "link_old_with_new" | "cross" | "chain";

function CertificateRow({ one, names }: { one: Item; names: Map<string, string> }) {
  const { t, i18n } = useTranslation("hierarchy");
  const [open, setOpen] = useState(false);
  const signer = related(one, "signer");
  const kind = t(`kinds.${text(one, "kind") as CertificateKind}`, { defaultValue: text(one, "kind") });
  const line = t("certificateLine", {
    kind,
    issuer: signer ? (names.get(signer) ?? text(one, "issuer")) : text(one, "issuer"),
    from: date(i18n.language, text(one, "not_before")),
    to: date(i18n.language, text(one, "not_after")),
  });
  return (
    <ExpandableSection toggleText={line} isExpanded={open} onToggle={(_, v) => setOpen(v)}>
      <Code label={line} text={text(one, "pem")} file={fileName(`${text(one, "subject")}-${text(one, "kind")}`, "pem")} />
    </ExpandableSection>
  );
}

export default function Authority() {
  const { t, i18n } = useTranslation("hierarchy");
  const { id = "" } = useParams();
  const navigate = useNavigate();
  const may = useMay();
  const cas = useAll("/cas");
  const one = useOne(`/cas/${id}`);
  const certificates = useAll(`/ca_certificates?filter[ca]=${encodeURIComponent(id)}`);
  const crls = usePage("/crls", { "filter[issuer]": text(one.data, "name"), "page[size]": 1 }, { enabled: one.data !== undefined });
  const [action, setAction] = useState<Exclude<CaAction, "subordinate"> | null>(null);
  const [done, setDone] = useState<{ outcome: Outcome; action: CaAction } | null>(null);
  const ca = one.data;
  const names = new Map((cas.data ?? []).map((c) => [c.id, text(c, "name")]));
  if (!ca) {
    return (
      <>
        <Title title={t("ca")} />
        <PageSection>
          <ErrorAlert error={one.error} />
          {one.isPending && <Skeleton height="20rem" screenreaderText={t("loading")} />}
        </PageSection>
      </>
    );
  }
  const parent = related(ca, "parent");
  const successor = related(ca, "successor");
  const crl = crls.data?.data[0];
  const below = (cas.data ?? []).filter((c) => related(c, "parent") === id);
  const name = text(ca, "name");
  const store = text(ca, "key_store");
  const actions = may("cas.manage") ? actionsOf(ca) : [];
  const linkTo = (other: string | null) => (other ? <Link to={`/hierarchy/${other}`}>{names.get(other) ?? other}</Link> : null);
  return (
    <>
      <Title
        title={name}
        subtitle={text(ca, "subject")}
        above={
          <Breadcrumb aria-label={t("path")}>
            <BreadcrumbItem>
              <Link to="/hierarchy">{t("title")}</Link>
            </BreadcrumbItem>
            <BreadcrumbItem isActive>{name}</BreadcrumbItem>
          </Breadcrumb>
        }
      />
      <PageSection>
        <Stack hasGutter>
          {done && (
            <StackItem>
              <Done outcome={done.outcome} text={t(`actions.${done.action as Exclude<CaAction, "subordinate">}.done`)} />
            </StackItem>
          )}
          {endsSoon(ca) && (
            <StackItem>
              <Notice variant="warning" title={t("endsSoon", { date: date(i18n.language, text(ca, "not_after")) })}>
                {t("endsSoonText")}
              </Notice>
            </StackItem>
          )}
          {actions.length > 0 && (
            <StackItem>
              <div className="siegel-actions" role="group" aria-label={t("whatToDo")}>
                {actions.map((a) =>
                  a === "subordinate" ? (
                    <Button key={a} component={(props: object) => <Link {...props} to={`/hierarchy/new?parent=${encodeURIComponent(name)}`} />}>
                      {t("newBelow")}
                    </Button>
                  ) : (
                    <Button
                      key={a}
                      variant={a === "retire" || a === "revoke" || a === "remove" ? "danger" : "secondary"}
                      onClick={() => {
                        setDone(null);
                        setAction(a);
                      }}
                    >
                      {t(`actions.${a}.button`)}
                    </Button>
                  ),
                )}
              </div>
            </StackItem>
          )}
          <StackItem>
            <Card>
              <CardTitle component="h2">{t("overview")}</CardTitle>
              <CardBody>
                <Facts>
                  <Fact name={t("state")}>
                    <CaStatus ca={ca} />
                  </Fact>
                  <Fact name={t("defaultCa")}>{ca.attributes.is_default === true ? t("yes") : t("no")}</Fact>
                  <Fact name={t("issuer")}>{linkTo(parent) ?? (ca.attributes.external === true ? t("elsewhere") : t("itself"))}</Fact>
                  <Fact name={t("below")}>
                    {below.map((c) => (
                      <div key={c.id}>{linkTo(c.id)}</div>
                    ))}
                    {below.length === 0 && "–"}
                  </Fact>
                  <Fact name={t("validity")}>
                    {date(i18n.language, text(ca, "not_before"))} – {date(i18n.language, text(ca, "not_after"))}
                  </Fact>
                  <Fact name={t("servesUntil")}>{date(i18n.language, text(ca, "serves_until"))}</Fact>
                  <Fact name={t("fingerprint")}>
                    <span className="siegel-mono">{octets(text(ca, "fingerprint_sha256"))}</span>
                  </Fact>
                  {successor && <Fact name={t("successor")}>{linkTo(successor)}</Fact>}
                </Facts>
              </CardBody>
            </Card>
          </StackItem>
          <StackItem>
            <Card>
              <CardTitle component="h2">{t("keyTitle")}</CardTitle>
              <CardBody>
                <Facts>
                  <Fact name={t("keyType")}>{text(ca, "key_type")}</Fact>
                  <Fact name={t("signature")}>{text(ca, "signature") || t("signatureDefault")}</Fact>
                  <Fact name={t("keyPlace")}>
                    {store === "" ? t("keyElsewhere") : <Link to="/keys">{store === "file" ? t("keyFile") : store === "token" ? t("keyToken") : store}</Link>}
                  </Fact>
                  <Fact name={t("generation")}>{number(ca, "generation")}</Fact>
                  <Fact name={t("keyId")}>
                    <span className="siegel-mono">{octets(text(ca, "key_id"))}</span>
                  </Fact>
                </Facts>
              </CardBody>
            </Card>
          </StackItem>
          <StackItem>
            <Card>
              <CardTitle component="h2">{t("crlTitle")}</CardTitle>
              <CardBody>
                <ErrorAlert error={crls.error} />
                <Facts>
                  <Fact name={t("crlNumber")}>{crl ? text(crl, "number") : t("crlNone")}</Fact>
                  {crl && <Fact name={t("crlUntil")}>{instant(i18n.language, text(crl, "next_update"))}</Fact>}
                  {crl && <Fact name={t("crlEntries")}>{count(i18n.language, number(crl, "entries"))}</Fact>}
                  <Fact name={t("crlUrl")}>{text(ca, "crl_url")}</Fact>
                  <Fact name={t("ocspUrl")}>{text(ca, "ocsp_url")}</Fact>
                  <Fact name={t("caUrl")}>{text(ca, "ca_url")}</Fact>
                </Facts>
              </CardBody>
            </Card>
          </StackItem>
          {text(ca, "csr") !== "" && (
            <StackItem>
              <Card>
                <CardTitle component="h2">{t("csrTitle")}</CardTitle>
                <CardBody>
                  <Content component="p">{t("csrText")}</Content>
                  <Code label={t("csrTitle")} text={text(ca, "csr")} file={fileName(name, "csr")} />
                </CardBody>
              </Card>
            </StackItem>
          )}
          <StackItem>
            <Card>
              <CardTitle component="h2">{t("certificates")}</CardTitle>
              <CardBody>
                <ErrorAlert error={certificates.error} />
                {(certificates.data ?? []).map((c) => (
                  <CertificateRow key={c.id} one={c} names={names} />
                ))}
                {certificates.data?.length === 0 && <Content component="p">{t("noCertificate")}</Content>}
              </CardBody>
            </Card>
          </StackItem>
        </Stack>
        {action && (
          <CaDialog
            key={action}
            ca={ca}
            action={action}
            onClose={() => setAction(null)}
            onDone={(outcome) => {
              setAction(null);
              setDone({ outcome, action });
              if (action === "remove" && !outcome.approval) {
                void navigate("/hierarchy");
              }
            }}
          />
        )}
      </PageSection>
    </>
  );
}
