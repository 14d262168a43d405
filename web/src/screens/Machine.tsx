// The health of the machine on the dashboard: first what is wrong, in words and with what to do; then all that was looked at.
import {
  Button,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Icon,
} from "@patternfly/react-core";
import CheckCircleIcon from "@patternfly/react-icons/dist/esm/icons/check-circle-icon";
import ExclamationCircleIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon";
import ExclamationTriangleIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Machine as Figures } from "../api/queries";
import { bytes, date, instant } from "../format";
import type { Words } from "../i18n/words";
import { Notice } from "../parts/Notice";

type Problem = keyof Words["machine"]["problems"];

const PROBLEMS: Record<Problem, true> = {
  service_stopped: true, store_down: true, engine_down: true, key_store_down: true, disk_full: true, disk_low: true, memory_low: true, load_high: true,
  clock_unsynchronized: true, crl_overdue: true, crl_missing: true, crls_of_tenants_overdue: true, jobs_waiting: true, counts_waiting: true, other: true,
};

/** The words for a problem; for one that a newer server knows, its code. */
export function problemOf(code: string): Problem {
  return Object.hasOwn(PROBLEMS, code) ? (code as Problem) : "other";
}

type Look = "success" | "warning" | "danger";

function Line({ name, look, children }: { name: string; look: Look; children: ReactNode }) {
  return (
    <DescriptionListGroup>
      <DescriptionListTerm>{name}</DescriptionListTerm>
      <DescriptionListDescription>
        <Icon status={look} isInline>
          {look === "success" ? <CheckCircleIcon /> : look === "warning" ? <ExclamationTriangleIcon /> : <ExclamationCircleIcon />}
        </Icon>{" "}
        {children}
      </DescriptionListDescription>
    </DescriptionListGroup>
  );
}

function Problems({ m }: { m: Figures }) {
  const { t } = useTranslation("machine");
  if (m.problems.length === 0) {
    return (
      <Notice variant="success" title={t("good")}>
        {t("goodText")}
      </Notice>
    );
  }
  return (
    <div className="siegel-problems">
      {m.problems.map((p) => (
        <Notice
          key={`${p.code} ${p.subject}`}
          variant={p.level === "failed" ? "danger" : "warning"}
          title={t(`problems.${problemOf(p.code)}`, { ...p })}
        >
          {t("todo", { text: t(`ways.${problemOf(p.code)}`) })}
        </Notice>
      ))}
    </div>
  );
}

function Kernel({ m }: { m: Figures }) {
  const { t, i18n } = useTranslation("machine");
  const wrong = (...codes: string[]): Look => {
    const found = m.problems.find((p) => codes.includes(p.code));
    return found === undefined ? "success" : found.level === "failed" ? "danger" : "warning";
  };
  const size = (n: number) => bytes(i18n.language, n);
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 2 });
  return (
    <>
      {m.disks.map((d) => (
        <Line key={d.paths.join()} name={`${t("disks")}: ${d.paths[0]}`} look={d.state === "ok" ? "success" : d.state === "warning" ? "warning" : "danger"}>
          {t("diskLeft", { free: size(d.free_bytes), all: size(d.bytes) })}
        </Line>
      ))}
      {m.cpu && (
        <Line name={t("cpu")} look={wrong("load_high")}>
          {t("cpuText", { percent: m.cpu.busy_percent, load: m.cpu.load.map((n) => number.format(n)).join(" · "), count: m.cpu.processors })}
        </Line>
      )}
      {m.memory && (
        <Line name={t("mainMemory")} look={wrong("memory_low")}>
          {t("memoryLeft", { free: size(m.memory.available_bytes), all: size(m.memory.bytes) })}
        </Line>
      )}
      {m.clock && (
        <Line name={t("clock")} look={wrong("clock_unsynchronized")}>
          {`${instant(i18n.language, m.clock.now)}, ${t(m.clock.synchronized ? "clockGood" : "clockBad")}`}
        </Line>
      )}
      {m.jobs && (
        <Line name={t("jobs")} look={wrong("jobs_waiting")}>
          {t("jobsText", { running: m.jobs.running, waiting: m.jobs.waiting })}
        </Line>
      )}
    </>
  );
}

function Details({ m }: { m: Figures }) {
  const { t, i18n } = useTranslation("machine");
  const works = (state: string) => t(state === "ok" ? "works" : "fails");
  const look = (state: string): Look => (state === "ok" || state === "running" ? "success" : state === "unknown" ? "warning" : "danger");
  const crl = (one: Figures["crl_list"][number]) =>
    t(one.state === "missing" ? "crlNone" : one.state === "ok" ? "crlUntil" : "crlOld", { date: date(i18n.language, one.next_update) });
  return (
    <DescriptionList isCompact columnModifier={{ default: "1Col", md: "2Col", xl: "3Col" }}>
      {m.services.map((s) => (
        <Line key={s.name} name={s.name} look={look(s.state)}>
          {t(s.state)}
          {s.since && `, ${t("since").toLowerCase()} ${instant(i18n.language, s.since)}`}
        </Line>
      ))}
      <Line name={t("engine")} look={look(m.engine.state)}>
        {works(m.engine.state)}
      </Line>
      <Line name={t("keyStore")} look={look(m.engine.key_store)}>
        {works(m.engine.key_store)}
      </Line>
      <Line name={t("store")} look={look(m.store.state)}>
        {m.store.bytes === undefined
          ? t("storeGone", { date: instant(i18n.language, m.store.since) })
          : t("storeSize", { size: bytes(i18n.language, m.store.bytes), date: instant(i18n.language, m.store.started_at) })}
      </Line>
      {m.crl_list.map((one) => (
        <Line key={one.ca} name={`${t("crls")}: ${one.ca}`} look={look(one.state)}>
          {crl(one)}
        </Line>
      ))}
      <Kernel m={m} />
    </DescriptionList>
  );
}

export default function Machine({ m }: { m: Figures }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Problems m={m} />
      <Button variant="link" className="siegel-machine" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t(open ? "common.hideDetails" : "common.showDetails")}
      </Button>
      {open && <Details m={m} />}
    </>
  );
}
