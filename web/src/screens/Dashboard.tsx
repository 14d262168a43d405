import {
  Button,
  Card,
  CardBody,
  CardTitle,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  EmptyState,
  EmptyStateActions,
  EmptyStateBody,
  EmptyStateFooter,
  Gallery,
  GalleryItem,
  Grid,
  GridItem,
  Icon,
  PageSection,
  Skeleton,
} from "@patternfly/react-core";
import CheckCircleIcon from "@patternfly/react-icons/dist/esm/icons/check-circle-icon";
import ExclamationCircleIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon";
import CertificateIcon from "@patternfly/react-icons/dist/esm/icons/certificate-icon";
import { type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ApiError } from "../api/client";
import { type Statistics, useCas, useCrls, useHealth, useKeyStores, useMachine, useStatistics } from "../api/queries";
import { attributesOf, useSession } from "../api/session";
import { count, date } from "../format";
import { worded } from "../i18n/worded";
import type { Words } from "../i18n/words";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Title } from "../parts/Title";
import { useTitles } from "../parts/Titled";
import { placeOf } from "../places";
import { ByStatus, OverTime } from "./charts";

const Machine = worded(() => import("./Machine"), "machine");
const NoCa = worded(() => import("../parts/NoCa"), "inventory");

const DAYS = 30;

function Figure({ label, value, to }: { label: string; value: number; to?: string }) {
  const { i18n } = useTranslation();
  const shown = <span className="siegel-figure">{count(i18n.language, value)}</span>;
  return (
    <GalleryItem>
      <Card isCompact>
        <CardBody>
          <div>{label}</div>
          {to ? (
            <Link to={to} aria-label={`${label}: ${count(i18n.language, value)}`}>
              {shown}
            </Link>
          ) : (
            shown
          )}
        </CardBody>
      </Card>
    </GalleryItem>
  );
}

function Figures({ s }: { s: Statistics }) {
  const { t } = useTranslation();
  const now = new Date();
  const until = (days: number) => new Date(now.getTime() + days * 86_400_000).toISOString().slice(0, 10);
  const ending = (days: number) => `/certificates?status=issued&before=${until(days)}`;
  return (
    <Gallery hasGutter minWidths={{ default: "6.75rem" }} className="siegel-figures">
      <Figure label={t("dashboard.inForce")} value={s.by_status.issued - s.expired} to="/certificates?status=issued" />
      <Figure label={t("dashboard.expiring7")} value={s.expiring["7_days"]} to={ending(7)} />
      <Figure label={t("dashboard.expiring30")} value={s.expiring["30_days"]} to={ending(30)} />
      <Figure label={t("dashboard.expiring90")} value={s.expiring["90_days"]} to={ending(90)} />
      <Figure label={t("dashboard.revoked")} value={s.by_status.revoked} to="/certificates?status=revoked" />
      <Figure label={t("dashboard.held")} value={s.by_status.held} to="/certificates?status=held" />
      <Figure label={t("dashboard.expired")} value={s.expired} />
      <Figure label={t("dashboard.refusedDays", { days: DAYS })} value={s.refused.total} />
    </Gallery>
  );
}

function Box({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{title}</CardTitle>
      <CardBody>{children}</CardBody>
    </Card>
  );
}

function Bars({ title, rows, none }: { title: string; rows: { name: string; count: number; to?: string }[]; none?: string }) {
  const { i18n } = useTranslation();
  const most = Math.max(1, ...rows.map((r) => r.count));
  return (
    <Box title={title}>
      {rows.length === 0 && none}
      <div className="siegel-bars">
        {rows.slice(0, 8).map((r) => (
          <BarRow key={r.name} name={r.name} to={r.to} most={most} value={r.count} shown={count(i18n.language, r.count)} />
        ))}
      </div>
    </Box>
  );
}

function BarRow({ name, to, most, value, shown }: { name: string; to?: string; most: number; value: number; shown: string }) {
  return (
    <>
      <span className="siegel-wrap">{to ? <Link to={to}>{name}</Link> : name}</span>
      <meter min={0} max={most} value={value} aria-label={`${name}: ${shown}`} />
      <span className="siegel-number">{shown}</span>
    </>
  );
}

function Line({ name, good, text }: { name: string; good: boolean; text: string }) {
  return (
    <DescriptionListGroup>
      <DescriptionListTerm>{name}</DescriptionListTerm>
      <DescriptionListDescription>
        <Icon status={good ? "success" : "danger"} isInline>
          {good ? <CheckCircleIcon /> : <ExclamationCircleIcon />}
        </Icon>{" "}
        {text}
      </DescriptionListDescription>
    </DescriptionListGroup>
  );
}

/** Of those who don't look after the machine: whether it works for them. */
function Health({ rights }: { rights: string[] }) {
  const titles = useTitles();
  const { t, i18n } = useTranslation();
  const health = useHealth();
  const stores = useKeyStores(rights.includes("key_stores.manage"));
  const crls = useCrls();
  const word = (good: boolean) => t(good ? "dashboard.ok" : "dashboard.notOk");
  const works = (what: string | undefined) => what === "ok";
  return (
    <Box title={t("dashboard.health")}>
      <ErrorAlert error={health.error ?? stores.error ?? crls.error} />
      <DescriptionList isCompact columnModifier={{ default: "1Col", md: "2Col", xl: "3Col" }}>
        {health.data && <Line name={t("dashboard.engine")} good={works(health.data.engine)} text={word(works(health.data.engine))} />}
        {health.data && <Line name={t("dashboard.store")} good={works(health.data.store)} text={word(works(health.data.store))} />}
        {stores.data?.map((s) => (
          <Line
            key={s.id}
            name={t("dashboard.keyStore", { name: s.attributes.name })}
            good={s.attributes.usable}
            text={s.attributes.usable ? word(true) : s.attributes.why || word(false)}
          />
        ))}
        {crls.data?.map((c) => {
          const until = c.attributes?.next_update;
          const good = Date.parse(until ?? "") > Date.now();
          const text = t(good ? "dashboard.crlUntil" : "dashboard.crlOld", {
            date: date(i18n.language, until),
            count: c.attributes?.entries ?? 0,
          });
          return <Line key={c.id} name={t("dashboard.crl", { name: titles.ca(c.attributes?.issuer ?? "") })} good={good} text={text} />;
        })}
      </DescriptionList>
    </Box>
  );
}

/** What to do first: without a CA nothing can be issued. */
function Nothing({ rights }: { rights: string[] }) {
  const { t } = useTranslation();
  const cas = useCas();
  const next = placeOf("/issue", rights);
  if (cas.data?.length === 0) {
    return (
      <Suspense fallback={<Skeleton height="12rem" screenreaderText={t("app.loading")} />}>
        <NoCa />
      </Suspense>
    );
  }
  return (
    <EmptyState titleText={t("dashboard.none")} headingLevel="h2" icon={CertificateIcon}>
      <EmptyStateBody>{t("dashboard.noneText")}</EmptyStateBody>
      {next?.nav && (
        <EmptyStateFooter>
          <EmptyStateActions>
            <Button component={(props: object) => <Link {...props} to={next.path} />}>{t(`nav.places.${next.nav.key}`)}</Button>
          </EmptyStateActions>
        </EmptyStateFooter>
      )}
    </EmptyState>
  );
}

/** The health of the house, in as much detail as one may see. */
function State({ rights }: { rights: string[] }) {
  const { t } = useTranslation();
  const allowed = rights.includes("machine.read");
  const machine = useMachine(allowed);
  // The machine is the house's: other tenants are told whether it works for them.
  if (!allowed || (machine.error instanceof ApiError && machine.error.status === 403)) {
    return <Health rights={rights} />;
  }
  const waiting = <Skeleton height="8rem" screenreaderText={t("app.loading")} />;
  return (
    <Box title={t("dashboard.health")}>
      <ErrorAlert error={machine.error} />
      {machine.isPending ? waiting : <Suspense fallback={waiting}>{machine.data && <Machine m={machine.data} />}</Suspense>}
    </Box>
  );
}

export default function Dashboard() {
  const titles = useTitles();
  const { t } = useTranslation();
  const statistics = useStatistics(DAYS);
  const s = statistics.data;
  const session = useSession().data;
  const attributes = session ? attributesOf(session) : {};
  const rights = attributes.rights ?? [];
  const reason = (name: string) => t(`reason.${name as keyof Words["base"]["reason"]}`, { defaultValue: name });
  const state = <State rights={rights} />;
  const source = (name: string) => t(`source.${name as keyof Words["base"]["source"]}`, { defaultValue: name });
  return (
    <>
      <Title title={t("dashboard.title")} subtitle={t("dashboard.subtitle")} />
      <PageSection>
        <ErrorAlert error={statistics.error} />
        {statistics.isPending && <Skeleton height="20rem" screenreaderText={t("app.loading")} />}
        {s && s.total === 0 && <Nothing rights={rights} />}
        {s && s.total > 0 && (
          <Grid hasGutter>
            <GridItem span={12}>
              <Figures s={s} />
            </GridItem>
            <GridItem span={12} xl={7}>
              <Box title={t("dashboard.overTime", { days: DAYS })}>
                <OverTime s={s} days={DAYS} />
              </Box>
            </GridItem>
            <GridItem span={12} xl={5}>
              <Box title={t("dashboard.byStatus")}>
                <ByStatus s={s} />
              </Box>
            </GridItem>
            <GridItem span={12} lg={4}>
              <Bars title={t("dashboard.byCa")} rows={s.by_ca.map((r) => ({ name: titles.ca(r.ca), count: r.count, to: `/certificates?issuer=${encodeURIComponent(r.ca)}` }))} />
            </GridItem>
            <GridItem span={12} lg={4}>
              <Bars title={t("dashboard.byProfile")} rows={s.by_profile.map((r) => ({ name: titles.profile(r.profile), count: r.count, to: `/certificates?profile=${encodeURIComponent(r.profile)}` }))} />
            </GridItem>
            <GridItem span={12} lg={4}>
              <Bars title={t("dashboard.bySource")} rows={s.by_source.map((r) => ({ name: source(r.source), count: r.count }))} />
            </GridItem>
            <GridItem span={12} lg={6}>
              <Bars
                title={t("dashboard.refusedWhy")}
                rows={s.refused.by_reason.map((r) => ({ name: reason(r.reason), count: r.count }))}
                none={t("dashboard.refusedNone")}
              />
            </GridItem>
            <GridItem span={12} lg={6}>
              <Bars
                title={t("dashboard.refusedBy")}
                rows={s.refused.by_source.map((r) => ({ name: source(r.source), count: r.count }))}
                none={t("dashboard.refusedNone")}
              />
            </GridItem>
            <GridItem span={12}>{state}</GridItem>
          </Grid>
        )}
        {!(s && s.total > 0) && state}
      </PageSection>
    </>
  );
}
