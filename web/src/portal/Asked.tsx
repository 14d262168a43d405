import { Button, PageSection, Progress, Skeleton } from "@patternfly/react-core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import type { Words } from "../i18n/words";
import { count, date, fileName, instant } from "../format";
import { useKept } from "../i18n/say";
import { download } from "../parts/download";
import { Notice } from "../parts/Notice";
import { Pages } from "../parts/Pages";
import { Title } from "../parts/Title";
import { archiveOf, filesOf, type Made } from "./archive";
import { Go, Trouble } from "./parts";
import { type Batch, fetchMade, type Item, type Thing, useBatch, useItems } from "./queries";

type Reason = keyof Words["portal"]["batch"]["reasons"];
const REASONS: Record<Reason, true> = { rejected: true, withdrawn: true, expired: true, failed: true };

export function isReason(text: string): text is Reason {
  return Object.hasOwn(REASONS, text);
}

/** Fetches one (number) or all, and gives the browser a file. */
export function useFetch(batch: Thing<Batch>) {
  const { t, i18n } = useTranslation("portal");
  const [done, setDone] = useState(0);
  const run = useMutation({
    mutationFn: async (number: number | null) => {
      setDone(0);
      const all = await fetchMade(batch.id, number, setDone);
      const one: Made | undefined = all.length === 1 ? all[0] : undefined;
      if (one?.pkcs12) {
        const [name, bytes] = Object.entries(filesOf(one, false))[0] ?? ["", new Uint8Array()];
        download(name, bytes as BlobPart, "application/x-pkcs12");
        return;
      }
      const words = {
        listName: t("batch.listName"), listHead: t("batch.listHead"), readme: t("batch.readme"),
        readmeText: t("batch.readmeText", { date: instant(i18n.language, new Date().toISOString()) }),
      };
      const name = fileName(one?.name || batch.attributes.title || t("name"), "zip");
      download(name, archiveOf(all, words), "application/zip");
    },
  });
  return { run, done };
}

function Line({ batch, item }: { batch: Thing<Batch>; item: Thing<Item> }) {
  const { t } = useTranslation("portal");
  const kept = useKept();
  const a = item.attributes;
  const certificate = item.relationships?.certificate?.data?.id;
  const approval = item.relationships?.approval?.data?.id;
  const get = useFetch(batch);
  const many = batch.attributes.total > 1;
  return (
    <li>
      <div className="siegel-row">
        <strong>{a.name || `${a.n}`}</strong>
        <span>{t(`batch.statuses.${a.status}`)}</span>
        {a.error && <small>{isReason(a.error) ? t(`batch.reasons.${a.error}`) : t("batch.why", { reason: kept(a.error, a.message_de) })}</small>}
        <div className="siegel-actions">
          {certificate && (
            <Go to={`/devices/${certificate}`} variant="link">
              {t("batch.page")}
            </Go>
          )}
          {approval && a.status !== "done" && (
            <Go to="/waiting" variant="link">
              {t("batch.see")}
            </Go>
          )}
          {a.status === "done" && many && (
            <Button variant="secondary" isLoading={get.run.isPending} isDisabled={get.run.isPending} onClick={() => get.run.mutate(a.n)} aria-label={`${t("batch.fetchOne")}: ${a.name}`}>
              {t("batch.fetchOne")}
            </Button>
          )}
        </div>
        <Trouble error={get.run.error} />
      </div>
    </li>
  );
}

function headlineOf(a: Batch) {
  if (a.open > 0) {
    return { variant: "info", title: "batch.working" } as const;
  }
  if (a.done === 0) {
    return a.waiting > 0 ? ({ variant: "info", title: "batch.waiting" } as const) : ({ variant: "danger", title: "batch.nothing" } as const);
  }
  return a.failed + a.waiting > 0 ? ({ variant: "warning", title: "batch.partly" } as const) : ({ variant: "success", title: "batch.ready" } as const);
}

function Content({ batch }: { batch: Thing<Batch> }) {
  const { t, i18n } = useTranslation("portal");
  const a = batch.attributes;
  const { found: items, rows, turn } = useItems(batch.id, [a.open, a.waiting, a.done, a.failed].join());
  const get = useFetch(batch);
  const number = (n: number) => count(i18n.language, n);
  const headline = headlineOf(a);
  const over = Date.parse(a.results_until) < Date.now();
  const finished = a.total - a.open;
  return (
    <PageSection>
      <Notice variant={headline.variant} title={t(headline.title)} role="status">
        {a.open > 0 && <p>{t("batch.workingText")}</p>}
        {a.waiting > 0 && <p>{t("batch.waitingText", { n: number(a.waiting) })}</p>}
        {a.failed > 0 && <p>{t("batch.failed", { n: number(a.failed) })}</p>}
        {a.done > 0 && <p>{t(over ? "batch.gone" : "batch.until", { date: date(i18n.language, a.results_until) })}</p>}
      </Notice>
      {a.total > 1 && a.open > 0 && (
        <Progress value={finished} max={a.total} measureLocation="outside" title={t("batch.progress", { done: number(finished), total: number(a.total) })} />
      )}
      <Trouble error={get.run.error} />
      {a.done > 0 && (
        <div className="siegel-actions siegel-tab">
          <Button size="lg" onClick={() => get.run.mutate(null)} isLoading={get.run.isPending} isDisabled={get.run.isPending}>
            {get.run.isPending ? t("batch.fetching", { done: number(get.done), total: number(a.done) }) : t(a.total > 1 ? "batch.fetch" : "batch.fetchOne")}
          </Button>
        </div>
      )}
      <div className="siegel-tab">
        <Trouble error={items.error} />
        <ul className="siegel-devices">
          {rows.map((item) => (
            <Line key={item.id} batch={batch} item={item} />
          ))}
        </ul>
        <Pages turn={turn} names={{ previous: t("devices.previous"), next: t("devices.next") }} />
      </div>
    </PageSection>
  );
}

export default function Asked() {
  const { t, i18n } = useTranslation("portal");
  const { t: base } = useTranslation();
  const { id = "" } = useParams();
  const batch = useBatch(id);
  const a = batch.data?.attributes;
  return (
    <>
      <Title
        title={a?.title || t("batch.title")}
        subtitle={a ? t("batch.asked", { date: instant(i18n.language, a.created_at) }) : undefined}
        actions={
          <Go to="/waiting" variant="secondary">
            {t("batch.list")}
          </Go>
        }
      />
      {batch.isPending && (
        <PageSection>
          <Skeleton height="12rem" screenreaderText={base("app.loading")} />
        </PageSection>
      )}
      {batch.error && (
        <PageSection>
          <Trouble error={batch.error} />
        </PageSection>
      )}
      {batch.data && <Content batch={batch.data} />}
    </>
  );
}

