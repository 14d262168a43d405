// The parts of a CA's page: what it is, its key, its lists, its certificates.
import { Card, CardBody, CardTitle, Content, ExpandableSection } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useAll, usePage } from "../../api/hooks";
import { type Item, number, related, text } from "../../api/rest";
import { count, date, fileName, instant, octets } from "../../format";
import { keyTypeTitle } from "../../keytypes";
import { Code } from "../../parts/Code";
import { ErrorAlert } from "../../parts/ErrorAlert";
import { Fact, Facts } from "../../parts/kit";
import { CaStatus } from "../Hierarchy";

/** What CAs are called, by id. */
export type Names = ReadonlyMap<string, string>;

function LinkTo({ id, names }: { id: string; names: Names }) {
  return <Link to={`/hierarchy/${id}`}>{names.get(id) ?? id}</Link>;
}

/** What isn't plain from the word alone. */
const STATE_TEXTS = { offline: "offlineState", pending: "pendingState", superseded: "supersededState" } as const;

export function Overview({ ca, below, names }: { ca: Item; below: readonly Item[]; names: Names }) {
  const { t, i18n } = useTranslation("hierarchy");
  const parent = related(ca, "parent");
  const successor = related(ca, "successor");
  return (
    <Card>
      <CardTitle component="h2">{t("overview")}</CardTitle>
      <CardBody>
        <Facts>
          <Fact name={t("state")}>
            <CaStatus ca={ca} />
            {text(ca, "status") in STATE_TEXTS && <div>{t(STATE_TEXTS[text(ca, "status") as keyof typeof STATE_TEXTS])}</div>}
          </Fact>
          <Fact name={t("defaultCa")}>{ca.attributes.is_default === true ? t("yes") : t("no")}</Fact>
          <Fact name={t("issuer")}>{parent ? <LinkTo id={parent} names={names} /> : ca.attributes.external === true ? t("elsewhere") : t("itself")}</Fact>
          <Fact name={t("below")}>
            {below.map((c) => (
              <div key={c.id}>
                <LinkTo id={c.id} names={names} />
              </div>
            ))}
            {below.length === 0 && "–"}
          </Fact>
          <Fact name={t("validity")}>
            {text(ca, "not_after") ? `${date(i18n.language, text(ca, "not_before"))} – ${date(i18n.language, text(ca, "not_after"))}` : t("noCertificate")}
          </Fact>
          <Fact name={t("servesUntil")}>{date(i18n.language, text(ca, "serves_until"))}</Fact>
          <Fact name={t("fingerprint")}>
            {text(ca, "fingerprint_sha256") && <span className="siegel-mono">{octets(text(ca, "fingerprint_sha256"))}</span>}
          </Fact>
          {successor && (
            <Fact name={t("successor")}>
              <LinkTo id={successor} names={names} />
            </Fact>
          )}
        </Facts>
      </CardBody>
    </Card>
  );
}

export function Key({ ca }: { ca: Item }) {
  const { t } = useTranslation("hierarchy");
  const store = text(ca, "key_store");
  return (
    <Card>
      <CardTitle component="h2">{t("keyTitle")}</CardTitle>
      <CardBody>
        <Facts>
          <Fact name={t("keyType")}>{keyTypeTitle(text(ca, "key_type"))}</Fact>
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
  );
}

export function Lists({ ca }: { ca: Item }) {
  const { t, i18n } = useTranslation("hierarchy");
  const crls = usePage("/crls", { "filter[issuer]": text(ca, "name"), "page[size]": 1 });
  const crl = crls.data?.data[0];
  return (
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
  );
}

/** To be taken to who certifies it. */
export function Request({ ca }: { ca: Item }) {
  const { t } = useTranslation("hierarchy");
  return (
    <Card>
      <CardTitle component="h2">{t("csrTitle")}</CardTitle>
      <CardBody>
        <Content component="p">{t("csrText")}</Content>
        <Code label={t("csrTitle")} text={text(ca, "csr")} file={fileName(text(ca, "name"), "csr")} />
      </CardBody>
    </Card>
  );
}

type CertificateKind = "own" | "previous" | "link_new_with_old" | "link_old_with_new" | "cross" | "chain";

function CertificateRow({ one, names }: { one: Item; names: Names }) {
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

export function Certificates({ ca, names }: { ca: Item; names: Names }) {
  const { t } = useTranslation("hierarchy");
  const certificates = useAll(`/ca_certificates?filter[ca]=${encodeURIComponent(ca.id)}`);
  return (
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
  );
}
