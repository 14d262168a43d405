import type { TFunction } from "i18next";
import {
  Breadcrumb,
  BreadcrumbItem,
  Button,
  Card,
  CardBody,
  CardTitle,
  Content,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Form,
  FormGroup,
  FormSelect,
  FormSelectOption,
  ModalBody,
  ModalFooter,
  ModalHeader,
  PageSection,
  ProgressStep,
  ProgressStepper,
  Skeleton,
  Stack,
  StackItem,
  Tab,
  TabTitleText,
  Tabs,
} from "@patternfly/react-core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { type AuditEvent, useCertificate } from "../api/certificates";
import { useChange, usePages } from "../api/hooks";
import { type Ca, type Certificate, type CertificateAttributes, useCas } from "../api/queries";
import { act } from "../api/rest";
import { useMay, useRights } from "../api/session";
import { date, fileName, instant, octets, stateOf } from "../format";
import type { Words } from "../i18n/words";
import { keyTypeTitle } from "../keytypes";
import { Code } from "../parts/Code";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Pages } from "../parts/Pages";
import { StateLabel } from "../parts/StateLabel";
import { Title } from "../parts/Title";
import { Arrived } from "../parts/Arrived";
import { Notice } from "../parts/Notice";
import { Titled } from "../parts/Titled";
import { Edit, Renew } from "./certificate/dialogs";
import { REASONS } from "./inventory";
import { Modal } from "../parts/Modal";


function idOf(relationship: unknown): string | null {
  const data = (relationship as { data?: { id?: string } | null } | undefined)?.data;
  return data?.id ?? null;
}

/** The CAs above the certificate, from the root down. A chain that bites its own tail ends where it does. */
export function chainOf(certificate: Certificate, cas: Ca[]): Ca[] {
  const chain: Ca[] = [];
  const known = new Map(cas.map((ca) => [ca.id, ca]));
  let next = idOf(certificate.relationships?.ca);
  while (next) {
    const ca = known.get(next);
    if (!ca || chain.includes(ca)) {
      break;
    }
    chain.unshift(ca);
    next = idOf((ca.relationships as Record<string, unknown> | undefined)?.parent);
  }
  return chain;
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <DescriptionListGroup>
      <DescriptionListTerm>{name}</DescriptionListTerm>
      <DescriptionListDescription className="siegel-wrap">{children || "–"}</DescriptionListDescription>
    </DescriptionListGroup>
  );
}

function Overview({ a }: { a: CertificateAttributes }) {
  const { t, i18n } = useTranslation();
  const metadata = Object.entries((a.metadata ?? {}) as Record<string, string>);
  const source = t(`source.${(a.source ?? "rest") as keyof Words["base"]["source"]}`, { defaultValue: a.source });
  return (
    <DescriptionList columnModifier={{ default: "1Col", lg: "2Col" }}>
      <Row name={t("certificate.subject")}>{a.subject}</Row>
      <Row name={t("certificate.names")}>
        {(a.names ?? []).map((name) => (
          <div key={name}>{name}</div>
        ))}
      </Row>
      <Row name={t("certificate.validity")}>
        {t("certificate.from", { from: instant(i18n.language, a.not_before), to: instant(i18n.language, a.not_after) })}
      </Row>
      <Row name={t("certificate.issuer")}>
        <Titled of="ca" name={a.issuer} />
      </Row>
      <Row name={t("certificate.profile")}>
        <Titled of="profile" name={a.profile} />
      </Row>
      <Row name={t("certificate.keyType")}>{keyTypeTitle(a.key_type ?? "")}</Row>
      <Row name={t("certificate.serial")}>
        <span className="siegel-mono">{octets(a.serial)}</span>
      </Row>
      <Row name={t("certificate.fingerprint")}>
        <span className="siegel-mono">{octets(a.fingerprint_sha256)}</span>
      </Row>
      <Row name={t("certificate.requestor")}>{a.requestor}</Row>
      <Row name={t("certificate.source")}>{source}</Row>
      <Row name={t("certificate.owner")}>{a.owner}</Row>
      <Row name={t("certificate.metadata")}>
        {metadata.length === 0 && "–"}
        {metadata.map(([key, value]) => (
          <div key={key}>
            {key}: {value}
          </div>
        ))}
      </Row>
    </DescriptionList>
  );
}

function Chain({ certificate }: { certificate: Certificate }) {
  const { t, i18n } = useTranslation();
  const cas = useCas();
  const chain = chainOf(certificate, cas.data ?? []);
  const role = (i: number) => t(i === chain.length - 1 ? "certificate.issuingCa" : i === 0 ? "certificate.root" : "certificate.intermediate");
  const a = certificate.attributes ?? {};
  return (
    <>
      <ErrorAlert error={cas.error} />
      <Content component="p">{t("certificate.chainOrder")}</Content>
      <ol className="siegel-chain">
        {chain.map((ca, i) => (
          <li key={ca.id}>
            <Card isCompact>
              <CardTitle>
                <Titled of="ca" name={ca.attributes?.name} />
              </CardTitle>
              <CardBody>
                <div className="siegel-wrap">{ca.attributes?.subject}</div>
                <div>
                  {role(i)}, {t("certificate.until", { date: date(i18n.language, ca.attributes?.not_after) })}
                </div>
              </CardBody>
            </Card>
          </li>
        ))}
        <li>
          <Card isCompact isSelected>
            <CardTitle className="siegel-wrap">{a.common_name || a.subject || octets(a.serial)}</CardTitle>
            <CardBody>
              <div className="siegel-wrap">{a.subject}</div>
              <div>
                {t("certificate.thisOne")}, {t("certificate.until", { date: date(i18n.language, a.not_after) })}
              </div>
            </CardBody>
          </Card>
        </li>
      </ol>
    </>
  );
}

function reasonText(t: TFunction<"base">, reason: string | undefined): string {
  return t(`certificate.reasons.${(reason ?? "unspecified") as keyof Words["base"]["certificate"]["reasons"]}`, { defaultValue: reason });
}

function History({ certificate }: { certificate: Certificate }) {
  const { t, i18n } = useTranslation();
  const may = useMay();
  const audit = usePages<AuditEvent>("/audit_events", { "filter[object]": `certificate/${certificate.id}` }, { enabled: may("audit.read") });
  const a = certificate.attributes ?? {};
  const how = t(`source.${(a.source ?? "rest") as keyof Words["base"]["source"]}`, { defaultValue: a.source });
  const now = Date.now();
  const steps: { id: string; at: string | undefined; title: ReactNode; text?: string; look: "success" | "danger" | "warning" | "pending" | "info" }[] = [
    { id: "asked", at: a.created_at, title: t("certificate.asked"), text: t("certificate.askedText", { who: a.requestor, how }), look: "success" },
  ];
  if (a.replaces) {
    steps.push({
      id: "replaces", at: a.created_at, title: <Link to={`/certificates/${a.replaces}`}>{t("certificate.replaced", { id: a.replaces })}</Link>, look: "info",
    });
  }
  if (a.revoked_at) {
    const held = a.status === "held";
    const title = held ? t("status.held") : t("certificate.revokedFor", { reason: reasonText(t, a.revocation_reason) });
    steps.push({ id: "revoked", at: a.revoked_at, title, look: held ? "warning" : "danger" });
  }
  steps.push({ id: "ends", at: a.not_after, title: t("certificate.ends"), look: Date.parse(a.not_after ?? "") < now ? "warning" : "pending" });
  return (
    <Stack hasGutter>
      <StackItem>
        <ProgressStepper isVertical aria-label={t("certificate.history")}>
          {steps.map((s) => (
            <ProgressStep
              key={s.id}
              id={s.id}
              titleId={`${s.id}-title`}
              variant={s.look}
              description={[instant(i18n.language, s.at), s.text].filter(Boolean).join(" · ")}
            >
              {s.title}
            </ProgressStep>
          ))}
        </ProgressStepper>
      </StackItem>
      {audit.found.data && (
        <StackItem>
          <Content component="h2">{t("certificate.auditTitle")}</Content>
          <DescriptionList isHorizontal isCompact>
            {audit.rows.map((e) => (
              <Row key={e.id} name={instant(i18n.language, new Date(e.attributes.at_us / 1000).toISOString())}>
                {e.attributes.action} · {e.attributes.actor}
              </Row>
            ))}
          </DescriptionList>
          <Pages turn={audit.turn} />
        </StackItem>
      )}
    </Stack>
  );
}

type Done = "revoked" | "held" | "released" | "saved" | { approval: string };

function useStatus(id: string, onDone: (done: Done) => void) {
  return useChange(
    async (wish: { release: true } | { reason: string }): Promise<Done> => {
      const path = `/certificates/${id}` as const;
      const { approval } = "release" in wish ? await act(`${path}/release`, "release") : await act(`${path}/revoke`, "revocation", { reason: wish.reason });
      return approval !== null ? { approval } : "release" in wish ? "released" : wish.reason === "certificateHold" ? "held" : "revoked";
    },
    onDone,
  );
}

function Revoke({ id, name, onDone, onClose }: { id: string; name: string; onDone: (done: Done) => void; onClose: () => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState<string>("unspecified");
  const change = useStatus(id, (done) => {
    onDone(done);
    onClose();
  });
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="revoke-title" aria-describedby="revoke-text">
      <ModalHeader title={t("certificate.revokeTitle", { name })} labelId="revoke-title" titleIconVariant="warning" />
      <ModalBody id="revoke-text">
        <Stack hasGutter>
          <StackItem>{t("certificate.revokeText")}</StackItem>
          <StackItem>
            <ErrorAlert error={change.error} labels={{ reason: t("certificate.reason") }} />
          </StackItem>
          <StackItem>
            <Form>
              <FormGroup label={t("certificate.reason")} fieldId="reason">
                <FormSelect id="reason" value={reason} onChange={(_, v) => setReason(v)}>
                  {REASONS.map((one) => (
                    <FormSelectOption key={one} value={one} label={t(`certificate.reasons.${one}`)} />
                  ))}
                </FormSelect>
              </FormGroup>
            </Form>
          </StackItem>
        </Stack>
      </ModalBody>
      <ModalFooter>
        <Button variant="danger" isLoading={change.isPending} isDisabled={change.isPending} onClick={() => change.mutate({ reason })}>
          {t("certificate.revoke")}
        </Button>
        <Button variant="link" onClick={onClose}>
          {t("common.cancel")}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

/** What a dialog asks for first. */
type Asked = "revoke" | "renew" | "edit";

/** What one may do with it, as it is now. */
function Actions({ a, status, onChoose }: { a: CertificateAttributes; status: ReturnType<typeof useStatus>; onChoose: (what: Asked) => void }) {
  const { t } = useTranslation();
  const { t: words } = useTranslation("inventory");
  const rights = useRights();
  const may = rights.includes("certificates.revoke") && a.status !== "revoked";
  const good = ["issued", "notYet"].includes(stateOf(a));
  return (
    <div className="siegel-actions">
      {rights.includes("metadata.write") && (
        <Button variant="secondary" onClick={() => onChoose("edit")}>
          {words("certificate.edit")}
        </Button>
      )}
      {good && rights.includes("certificates.issue") && (
        <Button variant="secondary" onClick={() => onChoose("renew")}>
          {words("certificate.renew")}
        </Button>
      )}
      {may && a.status === "issued" && (
        <Button variant="secondary" isLoading={status.isPending} onClick={() => status.mutate({ reason: "certificateHold" })}>
          {words("certificate.hold")}
        </Button>
      )}
      {may && a.status === "held" && (
        <Button variant="secondary" isLoading={status.isPending} onClick={() => status.mutate({ release: true })}>
          {t("certificate.release")}
        </Button>
      )}
      {may && (
        <Button variant="danger" onClick={() => onChoose("revoke")}>
          {t("certificate.revoke")}
        </Button>
      )}
    </div>
  );
}

/** The certificate itself, and what stands above it, to take away. */
function Pem({ a }: { a: CertificateAttributes & { pem?: string; chain_pem?: string } }) {
  const { t } = useTranslation();
  return (
    <Stack hasGutter className="siegel-tab">
      <StackItem>
        <Content component="h2">{t("issue.certificate")}</Content>
        <Code label={t("issue.certificate")} text={a.pem ?? ""} file={fileName(a.common_name, "pem")} />
      </StackItem>
      {a.chain_pem && (
        <StackItem>
          <Content component="h2">{t("issue.chain")}</Content>
          <Code label={t("issue.chain")} text={a.chain_pem} file={fileName(a.common_name, "chain.pem")} />
        </StackItem>
      )}
    </Stack>
  );
}

function Parts({ certificate, name }: { certificate: Certificate; name: string }) {
  const { t } = useTranslation();
  const [tab, setTab] = useState<string | number>("overview");
  const a = certificate.attributes ?? {};
  return (
    <Tabs activeKey={tab} onSelect={(_, k) => setTab(k)} aria-label={name} mountOnEnter unmountOnExit>
      <Tab eventKey="overview" title={<TabTitleText>{t("certificate.overview")}</TabTitleText>}>
        <div className="siegel-tab">
          <Overview a={a} />
        </div>
      </Tab>
      <Tab eventKey="chain" title={<TabTitleText>{t("certificate.chain")}</TabTitleText>}>
        <div className="siegel-tab">
          <Chain certificate={certificate} />
        </div>
      </Tab>
      <Tab eventKey="pem" title={<TabTitleText>{t("certificate.pem")}</TabTitleText>}>
        <Pem a={a} />
      </Tab>
      <Tab eventKey="history" title={<TabTitleText>{t("certificate.history")}</TabTitleText>}>
        <div className="siegel-tab">
          <History certificate={certificate} />
        </div>
      </Tab>
    </Tabs>
  );
}

export default function CertificatePage() {
  const { t } = useTranslation();
  const { id = "" } = useParams();
  const certificate = useCertificate(id);
  const { t: words } = useTranslation("inventory");
  const [dialog, setDialog] = useState<Asked | null>(null);
  const [done, setDone] = useState<Done | null>(null);
  const status = useStatus(id, setDone);
  const a = certificate.data?.attributes;
  const name = a ? a.common_name || a.subject || octets(a.serial) : t("certificate.title");
  const actions = a && <Actions a={a} status={status} onChoose={setDialog} />;
  const trail = (
    <Breadcrumb aria-label={t("nav.places.certificates")}>
      <BreadcrumbItem render={({ className }) => <Link className={className} to="/certificates">{t("nav.places.certificates")}</Link>} />
      <BreadcrumbItem isActive>{name}</BreadcrumbItem>
    </Breadcrumb>
  );
  return (
    <>
      <Title title={name} actions={actions} above={trail} />
      <PageSection>
        <ErrorAlert error={certificate.error ?? status.error} />
        {done && (
          <Arrived key={JSON.stringify(done)}>
            <Notice
              variant={typeof done === "object" ? "info" : "success"}
              isLiveRegion
              title={typeof done === "object" ? t("certificate.waits", { id: done.approval }) : done === "saved" ? words("certificate.saved") : t(`certificate.${done}`)}
            />
          </Arrived>
        )}
        {certificate.isPending && <Skeleton height="20rem" screenreaderText={t("app.loading")} />}
        {certificate.data && a && (
          <Card>
            <CardBody>
              <StateLabel state={stateOf(a)} />
              <Parts certificate={certificate.data} name={name} />
            </CardBody>
          </Card>
        )}
      </PageSection>
      {dialog === "revoke" && <Revoke id={id} name={name} onDone={setDone} onClose={() => setDialog(null)} />}
      {dialog === "renew" && certificate.data && <Renew certificate={certificate.data} name={name} onClose={() => setDialog(null)} />}
      {dialog === "edit" && certificate.data && (
        <Edit certificate={certificate.data} onDone={(approval) => setDone(approval === null ? "saved" : { approval })} onClose={() => setDialog(null)} />
      )}
    </>
  );
}
