// The charts of the dashboard, plain SVG. What a picture shows stands beside it in words, or in a table.
import "./charts.css";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Statistics } from "../api/queries";
import { count } from "../format";
import { every, ring, steps } from "./drawing";

const HEIGHT = 190;
const TOP = 8;
const BOTTOM = 24;
const RIGHT = 4;
const RADIUS = 80;
const ROUND = 2 * Math.PI * RADIUS;

/** The width that there is: text is as large as elsewhere, whatever the width. */
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
    { name: t("dashboard.inForce"), look: "good", value: s.by_status.issued - s.expired },
    { name: t("dashboard.expired"), look: "old", value: s.expired },
    { name: t("dashboard.held"), look: "held", value: s.by_status.held },
    { name: t("dashboard.revoked"), look: "bad", value: s.by_status.revoked },
  ];
  const parts = ring(rows.map((r) => r.value), ROUND);
  const gap = rows.filter((r) => r.value > 0).length > 1 ? 2 : 0;
  return (
    <div className="siegel-donut">
      <svg viewBox="0 0 200 200" role="img" aria-label={`${t("dashboard.byStatus")}: ${rows.map((r) => `${r.name}: ${count(i18n.language, r.value)}`).join(", ")}`}>
        {rows.map((r, i) => {
          const { from, long } = parts[i] ?? { from: 0, long: 0 };
          return (
            long > 0 && (
              <circle
                key={r.look}
                className={`siegel-ring siegel-drawn-${r.look}`}
                cx="100"
                cy="100"
                r={RADIUS}
                strokeDasharray={`${long - gap} ${ROUND - long + gap}`}
                strokeDashoffset={-from}
                transform="rotate(-90 100 100)"
              >
                <title>{`${r.name}: ${count(i18n.language, r.value)}`}</title>
              </circle>
            )
          );
        })}
        <text className="siegel-ring-sum" x="100" y="104">
          {count(i18n.language, s.total)}
        </text>
        <text className="siegel-ring-what" x="100" y="126">
          {t("dashboard.total")}
        </text>
      </svg>
      <ul className="siegel-keys">
        {rows.map((r) => (
          <li key={r.look}>
            <span className={`siegel-key siegel-drawn-${r.look}`} />
            {r.name}: {count(i18n.language, r.value)}
          </li>
        ))}
      </ul>
    </div>
  );
}

interface Series {
  name: string;
  look: string;
  of: (day: Statistics["by_day"][number]) => number;
}

export function OverTime({ s, days: span }: { s: Statistics; days: number }) {
  const { t, i18n } = useTranslation();
  const { ref, width } = useWidth();
  const title = t("dashboard.overTime", { days: span });
  const label = (day: string) => new Intl.DateTimeFormat(i18n.language, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(day));
  const all: Series[] = [
    { name: t("dashboard.issued"), look: "issued", of: (d) => d.issued },
    { name: t("dashboard.refused"), look: "refused", of: (d) => d.refused },
    { name: t("dashboard.revoked"), look: "revoked", of: (d) => d.revoked },
  ];
  const ticks = steps(Math.max(4, ...s.by_day.map((d) => d.issued + d.refused + d.revoked)));
  const most = ticks[ticks.length - 1] ?? 1;
  const left = 14 + 7 * count(i18n.language, most).length;
  const high = HEIGHT - TOP - BOTTOM;
  const slot = (width - left - RIGHT) / Math.max(1, s.by_day.length);
  const y = (n: number) => TOP + high - (n / most) * high;
  const labelled = every(s.by_day.length, width - left, 64);
  return (
    <div ref={ref} className="siegel-chart">
      <svg width={width} height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={title}>
        {ticks.map((n) => (
          <g key={n}>
            <line className={n === 0 ? "siegel-axis" : "siegel-axis siegel-axis-grid"} x1={left} x2={width - RIGHT} y1={y(n)} y2={y(n)} />
            <text className="siegel-tick siegel-tick-side" x={left - 6} y={y(n) + 4}>
              {count(i18n.language, n)}
            </text>
          </g>
        ))}
        {s.by_day.map((d, i) => {
          let below = 0;
          const x = left + i * slot;
          return (
            <g key={d.day}>
              <rect className="siegel-day" x={x} y={TOP} width={slot} height={high} />
              {all.map((one) => {
                const from = below;
                below += one.of(d);
                return (
                  below > from && (
                    <rect key={one.look} className={`siegel-drawn-${one.look}`} x={x + slot * 0.15} y={y(below)} width={slot * 0.7} height={y(from) - y(below)} />
                  )
                );
              })}
              {i % labelled === 0 && (
                <text className="siegel-tick" x={x + slot / 2} y={HEIGHT - 6}>
                  {label(d.day)}
                </text>
              )}
              <title>{`${label(d.day)}\n${all.map((one) => `${one.name}: ${count(i18n.language, one.of(d))}`).join("\n")}`}</title>
            </g>
          );
        })}
      </svg>
      <ul className="siegel-keys siegel-keys-below">
        {all.map((one) => (
          <li key={one.look}>
            <span className={`siegel-key siegel-drawn-${one.look}`} />
            {one.name}
          </li>
        ))}
      </ul>
      <details>
        <summary>{t("dashboard.table")}</summary>
        <div className="siegel-drawn-table" role="region" aria-label={title} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("dashboard.day")}</th>
                {all.map((one) => (
                  <th key={one.look} scope="col">
                    {one.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {[...s.by_day].reverse().map((d) => (
                <tr key={d.day}>
                  <th scope="row">{label(d.day)}</th>
                  {all.map((one) => (
                    <td key={one.look}>{count(i18n.language, one.of(d))}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </div>
  );
}
