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
import { lazy, type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { type Statistics, useCrls, useHealth, useKeyStores, useStatistics } from "../api/queries";
import { attributesOf, useSession } from "../api/session";
import { count, date } from "../format";
import type { Words } from "../i18n/words";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Title } from "../parts/Title";

// What draws weighs as much as all the rest, so it comes when the figures are there.
const ByStatus = lazy(() => import("./charts").then((m) => ({ default: m.ByStatus })));
const OverTime = lazy(() => import("./charts").then((m) => ({ default: m.OverTime })));

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
    <Gallery hasGutter minWidths={{ default: "7.5rem" }} className="siegel-figures">
      <Figure label={t("dashboard.inForce")} value={s.by_status.issued - s.expired} to="/certificates?status=issued" />
      <Figure label={t("dashboard.expiring7")} value={s.expiring["7_days"]} to={ending(7)} />
      <Figure label={t("dashboard.expiring30")} value={s.expiring["30_days"]} to={ending(30)} />
      <Figure label={t("dashboard.expiring90")} value={s.expiring["90_days"]} to={ending(90)} />
      <Figure label={t("dashboard.revoked")} value={s.by_status.revoked} to="/certificates?status=revoked" />
      <Figure label={t("dashboard.held")} value={s.by_status.held} to="/certificates?status=held" />
      <Figure label={t("dashboard.expired")} value={s.expired} />
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

function Chart({ title, children }: { title: string; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <Box title={title}>
      <Suspense fallback={<Skeleton height="230px" screenreaderText={t("app.loading")} />}>{children}</Suspense>
    </Box>
  );
}

function Bars({ title, rows }: { title: string; rows: { name: string; count: number }[] }) {
  const { i18n } = useTranslation();
  const most = Math.max(1, ...rows.map((r) => r.count));
  return (
    <Box title={title}>
      <div className="siegel-bars">
        {rows.slice(0, 8).map((r) => (
          <BarRow key={r.name} name={r.name} most={most} value={r.count} shown={count(i18n.language, r.count)} />
        ))}
      </div>
    </Box>
  );
}

function BarRow({ name, most, value, shown }: { name: string; most: number; value: number; shown: string }) {
  return (
    <>
      <span className="siegel-wrap">{name}</span>
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

function Health() {
  const { t, i18n } = useTranslation();
  const session = useSession().data;
  const rights = session ? (attributesOf(session).rights ?? []) : [];
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
          return <Line key={c.id} name={t("dashboard.crl", { name: c.attributes?.issuer ?? "" })} good={good} text={text} />;
        })}
      </DescriptionList>
    </Box>
  );
}

function Nothing() {
  const { t } = useTranslation();
  return (
    <EmptyState titleText={t("dashboard.none")} headingLevel="h2" icon={CertificateIcon}>
      <EmptyStateBody>{t("dashboard.noneText")}</EmptyStateBody>
      <EmptyStateFooter>
        <EmptyStateActions>
          <Button component={(props: object) => <Link {...props} to="/issue" />}>{t("nav.places.issue")}</Button>
        </EmptyStateActions>
      </EmptyStateFooter>
    </EmptyState>
  );
}

export default function Dashboard() {
  const { t } = useTranslation();
  const statistics = useStatistics(DAYS);
  const s = statistics.data;
  const source = (name: string) => t(`source.${name as keyof Words["base"]["source"]}`, { defaultValue: name });
  return (
    <>
      <Title title={t("dashboard.title")} subtitle={t("dashboard.subtitle")} />
      <PageSection>
        <ErrorAlert error={statistics.error} />
        {statistics.isPending && <Skeleton height="20rem" screenreaderText={t("app.loading")} />}
        {s && s.total === 0 && <Nothing />}
        {s && s.total > 0 && (
          <Grid hasGutter>
            <GridItem span={12}>
              <Figures s={s} />
            </GridItem>
            <GridItem span={12} xl={7}>
              <Chart title={t("dashboard.overTime", { days: DAYS })}>
                <OverTime s={s} days={DAYS} />
              </Chart>
            </GridItem>
            <GridItem span={12} xl={5}>
              <Chart title={t("dashboard.byStatus")}>
                <ByStatus s={s} />
              </Chart>
            </GridItem>
            <GridItem span={12} lg={4}>
              <Bars title={t("dashboard.byCa")} rows={s.by_ca.map((r) => ({ name: r.ca, count: r.count }))} />
            </GridItem>
            <GridItem span={12} lg={4}>
              <Bars title={t("dashboard.byProfile")} rows={s.by_profile.map((r) => ({ name: r.profile, count: r.count }))} />
            </GridItem>
            <GridItem span={12} lg={4}>
              <Bars title={t("dashboard.bySource")} rows={s.by_source.map((r) => ({ name: source(r.source), count: r.count }))} />
            </GridItem>
            <GridItem span={12}>
              <Health />
            </GridItem>
          </Grid>
        )}
        {s && s.total === 0 && <Health />}
      </PageSection>
    </>
  );
}
