import {
  Breadcrumb,
  BreadcrumbItem,
  Button,
  Content,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Form,
  FormGroup,
  ModalBody,
  ModalFooter,
  ModalHeader,
  PageSection,
  Radio,
  Skeleton,
} from "@patternfly/react-core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { date, fileName, octets } from "../format";
import { download } from "../parts/download";
import { Notice } from "../parts/Notice";
import { Title } from "../parts/Title";
import { useFetch } from "./Asked";
import { Files, type Order, passwordFault } from "./order";
import { Block, Go, PassLabel, passState, Trouble } from "./parts";
import { type Batch, type Loss, LOSSES, keyIsThere, type Pass, type Thing, useAsk, useOrigin, usePass, useReport } from "./queries";
import { Modal } from "../parts/Modal";

const AFTERWARDS = { lost: "loss.nextLost", stolen: "loss.nextLost", broken: "loss.nextBroken", replaced: "loss.nextReplaced" } as const;

function Report({ id, name, onClose, onDone }: { id: string; name: string; onClose: () => void; onDone: (loss: Loss, waits: boolean) => void }) {
  const { t } = useTranslation("portal");
  const { t: base } = useTranslation();
  const [loss, setLoss] = useState<Loss | null>(null);
  const report = useReport(id);
  const submit = () => loss && report.mutate(loss, { onSuccess: ({ waits }) => onDone(loss, waits) });
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-labelledby="loss-title">
      <ModalHeader title={t("loss.title", { name })} labelId="loss-title" />
      <ModalBody>
        <Trouble error={report.error} />
        <Form
          id="loss-form"
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            submit();
          }}
        >
          <FormGroup role="radiogroup" aria-labelledby="loss-title" fieldId="loss" className="siegel-choice">
            {LOSSES.map((one) => (
              <Radio key={one} id={`loss-${one}`} name="loss" label={t(`loss.${one}`)} description={t(`loss.${one}Text`)} isChecked={loss === one} onChange={() => setLoss(one)} />
            ))}
          </FormGroup>
        </Form>
        <Content component="p">{t("loss.forever")}</Content>
      </ModalBody>
      <ModalFooter>
        <Button variant="danger" size="lg" type="submit" form="loss-form" isDisabled={!loss || report.isPending} isLoading={report.isPending}>
          {t("loss.submit")}
        </Button>
        <Button variant="link" size="lg" onClick={onClose}>
          {base("common.cancel")}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

function WithKey({ batch, n }: { batch: Thing<Batch>; n: number }) {
  const { t, i18n } = useTranslation("portal");
  const get = useFetch(batch);
  return (
    <>
      <Trouble error={get.run.error} />
      <Content component="p">{t("device.fetchKeyText", { date: date(i18n.language, batch.attributes.results_until) })}</Content>
      <div className="siegel-actions">
        <Button size="lg" isLoading={get.run.isPending} isDisabled={get.run.isPending} onClick={() => get.run.mutate(n)}>
          {t("device.fetchKey")}
        </Button>
      </div>
    </>
  );
}

function Fetch({ pass, name }: { pass: Thing<Pass>; name: string }) {
  const { t } = useTranslation("portal");
  const origin = useOrigin(pass.id);
  const a = pass.attributes;
  const found = origin.data && keyIsThere(origin.data.fetched, origin.data.batch.attributes.results_until) ? origin.data : null;
  return (
    <Block title={t("device.fetch")}>
      {found && <WithKey batch={found.batch} n={found.n} />}
      <Content component="p">{t("device.fetchPlainText")}</Content>
      <div className="siegel-actions">
        <Button size="lg" variant="secondary" onClick={() => download(fileName(name, "pem"), `${a.pem ?? ""}${a.chain_pem ?? ""}`, "application/x-pem-file")}>
          {t("device.fetchPlain")}
        </Button>
      </div>
    </Block>
  );
}

function Renew({ pass, name }: { pass: Thing<Pass>; name: string }) {
  const { t } = useTranslation("portal");
  const navigate = useNavigate();
  const ask = useAsk();
  const [same, setSame] = useState(false);
  const [tried, setTried] = useState(false);
  const [o, setOrder] = useState<Order>({ profile: pass.attributes.profile, p12: true, password: "" });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!same && passwordFault(o)) {
      return;
    }
    const p12 = !same && o.p12;
    ask.mutate(
      {
        title: name, profile: o.profile, format: p12 ? "pkcs12" : "pem", ...(p12 ? { password: o.password } : {}),
        lines: [{ replaces: pass.id, ...(same ? { same_key: true } : {}) }],
      },
      { onSuccess: (id) => void navigate(`/asked/${id}`) },
    );
  };
  return (
    <Block title={t("device.renew")}>
      <Content component="p">{t("device.renewText")}</Content>
      <Form onSubmit={submit} noValidate>
        <Trouble error={ask.error} />
        <FormGroup role="radiogroup" label={t("one.how")} fieldId="renew" className="siegel-choice">
          <Radio id="renew-new" name="renew" label={t("device.renewNew")} description={t("device.renewNewText")} isChecked={!same} onChange={() => setSame(false)} />
          <Radio id="renew-same" name="renew" label={t("device.renewSame")} description={t("device.renewSameText")} isChecked={same} onChange={() => setSame(true)} />
        </FormGroup>
        {!same && <Files order={o} onChange={(change) => setOrder({ ...o, ...change })} tried={tried} />}
        <div className="siegel-actions">
          <Button type="submit" size="lg" isLoading={ask.isPending} isDisabled={ask.isPending}>
            {t("device.renew")}
          </Button>
        </div>
      </Form>
    </Block>
  );
}

function State({ pass }: { pass: Pass }) {
  const { t, i18n } = useTranslation("portal");
  const state = passState(pass);
  const until = date(i18n.language, pass.not_after);
  if (state === "soon") {
    return (
      <Notice variant="warning" title={t("device.soon", { date: until })}>
        {t("device.soonText")}
      </Notice>
    );
  }
  if (state === "over") {
    return (
      <Notice variant="warning" title={t("device.over", { date: until })}>
        {t("device.overText")}
      </Notice>
    );
  }
  return state === "lost" ? (
    <Notice variant="danger" title={t("device.lost", { date: date(i18n.language, pass.revoked_at) })}>
      {t("device.lostText")}
    </Notice>
  ) : null;
}

function Facts({ pass }: { pass: Pass }) {
  const { t, i18n } = useTranslation("portal");
  const facts: [string, string][] = [
    [t("device.from"), date(i18n.language, pass.not_before)],
    [t("device.until"), date(i18n.language, pass.not_after)],
    [t("device.forWhom"), pass.owner ?? "–"],
    [t("device.asked"), date(i18n.language, pass.created_at)],
    [t("device.number"), octets(pass.serial)],
  ];
  return (
    <DescriptionList columnModifier={{ default: "1Col", md: "2Col" }}>
      <DescriptionListGroup>
        <DescriptionListTerm>{t("device.state")}</DescriptionListTerm>
        <DescriptionListDescription>
          <PassLabel pass={pass} />
        </DescriptionListDescription>
      </DescriptionListGroup>
      {facts.map(([term, text]) => (
        <DescriptionListGroup key={term}>
          <DescriptionListTerm>{term}</DescriptionListTerm>
          <DescriptionListDescription className="siegel-wrap">{text}</DescriptionListDescription>
        </DescriptionListGroup>
      ))}
    </DescriptionList>
  );
}

function Page({ pass }: { pass: Thing<Pass> }) {
  const { t } = useTranslation("portal");
  const a = pass.attributes;
  const name = a.common_name || a.subject || t("device.unnamed");
  const [asking, setAsking] = useState(false);
  const [reported, setReported] = useState<{ loss: Loss; waits: boolean } | null>(null);
  const state = passState(a);
  const usable = state === "good" || state === "soon" || state === "early";
  const above = (
    <Breadcrumb>
      <BreadcrumbItem render={({ className }) => <Link className={className} to="/">{t("device.back")}</Link>} />
      <BreadcrumbItem isActive>{name}</BreadcrumbItem>
    </Breadcrumb>
  );
  return (
    <>
      <Title title={t("device.title", { name })} above={above} />
      <PageSection>
        {reported && (
          <Notice variant={reported.waits ? "info" : "success"} title={t(reported.waits ? "loss.waits" : "loss.done")} role="status">
            <Content component="p">{t(reported.waits ? "loss.waitsText" : "loss.doneText")}</Content>
            <Content component="p">{t(AFTERWARDS[reported.loss])}</Content>
          </Notice>
        )}
        {!reported && <State pass={a} />}
        <Block title={t("device.facts")}>
          <Facts pass={a} />
          {(state === "lost" || state === "over") && (
            <div className="siegel-actions">
              <Go to={`/one?name=${encodeURIComponent(a.common_name)}`}>{t("loss.ask")}</Go>
            </div>
          )}
        </Block>
        {usable && <Fetch pass={pass} name={name} />}
        {usable && <Renew pass={pass} name={name} />}
        {(usable || state === "paused") && (
          <Block title={t("device.loss")}>
            <Content component="p">{t("device.lossText")}</Content>
            <div className="siegel-actions">
              <Button variant="danger" size="lg" onClick={() => setAsking(true)}>
                {t("device.loss")}
              </Button>
            </div>
          </Block>
        )}
      </PageSection>
      {asking && (
        <Report
          id={pass.id}
          name={name}
          onClose={() => setAsking(false)}
          onDone={(loss, waits) => {
            setReported({ loss, waits });
            setAsking(false);
          }}
        />
      )}
    </>
  );
}

export default function Device() {
  const { t } = useTranslation();
  const { t: words } = useTranslation("portal");
  const { id = "" } = useParams();
  const pass = usePass(id);
  const origin = useOrigin(id);
  // It comes whole: a part that came later would push the buttons below it away from whoever is about to press them.
  if (pass.data && !origin.isPending) {
    return <Page key={id} pass={pass.data} />;
  }
  return (
    <>
      <Title title={words("devices.title")} actions={pass.error && <Go to="/">{words("device.back")}</Go>} />
      <PageSection>{pass.error ? <Trouble error={pass.error} /> : <Skeleton height="16rem" screenreaderText={t("app.loading")} />}</PageSection>
    </>
  );
}
