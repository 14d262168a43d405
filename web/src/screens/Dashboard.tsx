import "@patternfly/patternfly/patternfly-charts.css";
import { Chart, ChartAxis, ChartBar, ChartDonut, ChartStack, ChartThemeColor } from "@patternfly/react-charts/victory";
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
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { type Statistics, useCrls, useHealth, useKeyStores, useStatistics } from "../api/queries";
import { attributesOf, useSession } from "../api/session";
import { count, date } from "../format";
import type { en } from "../i18n/en";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Title } from "../parts/Title";

const DAYS = 30;
const ISSUED = "var(--pf-t--chart--color--teal--300)";
const REVOKED = "var(--pf-t--chart--color--red-orange--200)";

/** The width that there is, for charts: they have none of their own. */
function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const box = ref.current;
    if (!box) {
      return undefined;
    }
    const observer = new ResizeObserver(() => setWidth(box.clientWidth || 600));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  return { ref, width };
}

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

function ByStatus({ s }: { s: Statistics }) {
  const { t, i18n } = useTranslation();
  const rows = [
    { x: t("dashboard.inForce"), y: s.by_status.issued - s.expired },
    { x: t("dashboard.expired"), y: s.expired },
    { x: t("dashboard.held"), y: s.by_status.held },
    { x: t("dashboard.revoked"), y: s.by_status.revoked },
  ];
  const colours = ["green--200", "black--200", "yellow--200", "red-orange--200"].map((one) => {
    const [hue, shade] = one.split("--");
    return `var(--pf-t--chart--color--${hue}--${shade})`;
  });
  return (
    <Box title={t("dashboard.byStatus")}>
      <div className="siegel-donut">
        <ChartDonut
          ariaTitle={t("dashboard.byStatus")}
          ariaDesc={rows.map((r) => `${r.x}: ${r.y}`).join(", ")}
          data={rows}
          colorScale={colours}
          constrainToVisibleArea
          height={230}
          width={430}
          legendData={rows.map((r) => ({ name: `${r.x}: ${count(i18n.language, r.y)}` }))}
          legendOrientation="vertical"
          legendPosition="right"
          padding={{ bottom: 20, left: 20, right: 210, top: 20 }}
          title={count(i18n.language, s.total)}
          subTitle={t("dashboard.total")}
        />
      </div>
    </Box>
  );
}

function OverTime({ s }: { s: Statistics }) {
  const { t, i18n } = useTranslation();
  const { ref, width } = useWidth();
  const label = (day: string) => new Intl.DateTimeFormat(i18n.language, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(day));
  const days = s.by_day.map((d) => d.day);
  const most = Math.max(4, ...s.by_day.map((d) => d.issued + d.revoked));
  return (
    <Box title={t("dashboard.overTime", { days: DAYS })}>
      <div ref={ref} className="siegel-chart">
        <Chart
          ariaTitle={t("dashboard.overTime", { days: DAYS })}
          ariaDesc={`${t("dashboard.issued")}, ${t("dashboard.revoked")}`}
          height={230}
          width={width}
          padding={{ bottom: 70, left: 50, right: 20, top: 10 }}
          domain={{ y: [0, most] }}
          domainPadding={{ x: [10, 10] }}
          legendData={[
            { name: t("dashboard.issued"), symbol: { fill: ISSUED } },
            { name: t("dashboard.revoked"), symbol: { fill: REVOKED } },
          ]}
          legendPosition="bottom"
          themeColor={ChartThemeColor.multiOrdered}
        >
          <ChartAxis tickValues={days} tickFormat={label} tickCount={6} fixLabelOverlap />
          <ChartAxis dependentAxis showGrid tickCount={4} tickFormat={(n: number) => (Number.isInteger(n) ? count(i18n.language, n) : "")} />
          <ChartStack colorScale={[ISSUED, REVOKED]}>
            <ChartBar data={s.by_day.map((d) => ({ x: d.day, y: d.issued }))} barRatio={0.7} />
            <ChartBar data={s.by_day.map((d) => ({ x: d.day, y: d.revoked }))} barRatio={0.7} />
          </ChartStack>
        </Chart>
      </div>
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
          <Button component={(props: object) => <Link {...props} to="/issue" />}>{t("nav.issue")}</Button>
        </EmptyStateActions>
      </EmptyStateFooter>
    </EmptyState>
  );
}

export default function Dashboard() {
  const { t } = useTranslation();
  const statistics = useStatistics(DAYS);
  const s = statistics.data;
  const source = (name: string) => t(`source.${name as keyof typeof en.source}`, { defaultValue: name });
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
              <OverTime s={s} />
            </GridItem>
            <GridItem span={12} xl={5}>
              <ByStatus s={s} />
            </GridItem>
            <GridItem span={12} md={4}>
              <Bars title={t("dashboard.byCa")} rows={s.by_ca.map((r) => ({ name: r.ca, count: r.count }))} />
            </GridItem>
            <GridItem span={12} md={4}>
              <Bars title={t("dashboard.byProfile")} rows={s.by_profile.map((r) => ({ name: r.profile, count: r.count }))} />
            </GridItem>
            <GridItem span={12} md={4}>
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
