// The charts of the dashboard, in a chunk of their own.
import "@patternfly/patternfly/patternfly-charts.css";
import { Chart, ChartAxis, ChartBar, ChartDonut, ChartStack, ChartThemeColor } from "@patternfly/react-charts/victory";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Statistics } from "../api/queries";
import { count } from "../format";

const ISSUED = "var(--pf-t--chart--color--teal--300)";
const REFUSED = "var(--pf-t--chart--color--yellow--300)";
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

export function ByStatus({ s }: { s: Statistics }) {
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
  );
}

export function OverTime({ s, days: span }: { s: Statistics; days: number }) {
  const { t, i18n } = useTranslation();
  const { ref, width } = useWidth();
  const label = (day: string) => new Intl.DateTimeFormat(i18n.language, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(day));
  const days = s.by_day.map((d) => d.day);
  const most = Math.max(4, ...s.by_day.map((d) => d.issued + d.refused + d.revoked));
  return (
    <div ref={ref} className="siegel-chart">
      <Chart
        ariaTitle={t("dashboard.overTime", { days: span })}
        ariaDesc={[t("dashboard.issued"), t("dashboard.refused"), t("dashboard.revoked")].join(", ")}
        height={230}
        width={width}
        padding={{ bottom: 70, left: 50, right: 20, top: 10 }}
        domain={{ y: [0, most] }}
        domainPadding={{ x: [10, 10] }}
        legendData={[
          { name: t("dashboard.issued"), symbol: { fill: ISSUED } },
          { name: t("dashboard.refused"), symbol: { fill: REFUSED } },
          { name: t("dashboard.revoked"), symbol: { fill: REVOKED } },
        ]}
        legendPosition="bottom"
        themeColor={ChartThemeColor.multiOrdered}
      >
        <ChartAxis tickValues={days} tickFormat={label} tickCount={6} fixLabelOverlap />
        <ChartAxis dependentAxis showGrid tickCount={4} tickFormat={(n: number) => (Number.isInteger(n) ? count(i18n.language, n) : "")} />
        <ChartStack colorScale={[ISSUED, REFUSED, REVOKED]}>
          <ChartBar data={s.by_day.map((d) => ({ x: d.day, y: d.issued }))} barRatio={0.7} />
          <ChartBar data={s.by_day.map((d) => ({ x: d.day, y: d.refused }))} barRatio={0.7} />
          <ChartBar data={s.by_day.map((d) => ({ x: d.day, y: d.revoked }))} barRatio={0.7} />
        </ChartStack>
      </Chart>
    </div>
  );
}
