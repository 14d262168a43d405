// A job wherever it is shown: its state, how far it is, and what became of each thing.
import { Button, Content, Label, Progress } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { usePages } from "../api/hooks";
import { isRunning, percentOf } from "../api/jobs";
import { type Item, number, text } from "../api/rest";
import { count } from "../format";
import { useKept } from "../i18n/say";
import { AuditedObject } from "./audited";
import { ErrorAlert } from "./ErrorAlert";
import { Notice } from "./Notice";
import { Pages } from "./Pages";

const LOOK = { queued: "info", running: "info", done: "success", failed: "danger", cancelled: "warning" } as const;
const ITEM_LOOK = { done: "success", repeated: "info", skipped: "info", failed: "danger" } as const;

export function JobStatus({ job }: { job: Item }) {
  const { t } = useTranslation("work");
  const status = text(job, "status") as keyof typeof LOOK;
  return Object.hasOwn(LOOK, status) ? <Label status={LOOK[status]}>{t(`status.${status}`)}</Label> : <Label>{status}</Label>;
}

/** How far it is. */
export function JobProgress({ job }: { job: Item }) {
  const { t, i18n } = useTranslation("work");
  const kept = useKept();
  const percent = percentOf(job);
  // What failed is behind it as well; the rest of a job that has ended was there no more.
  const worked = number(job, "done") + number(job, "failed");
  const total = typeof job.attributes.total === "number" && !(percent === 100 && worked < job.attributes.total) ? job.attributes.total : null;
  const done = count(i18n.language, worked);
  const label = total === null ? t("doneSoFar", { done }) : t("doneOf", { done, total: count(i18n.language, total) });
  const status = text(job, "status");
  return (
    <div role="status" data-job={status}>
      <Progress
        aria-label={t("progress")}
        value={percent ?? (isRunning(job) ? 0 : 100)}
        title={label}
        measureLocation={percent === null ? "none" : "top"}
        variant={status === "failed" ? "danger" : status === "cancelled" ? "warning" : status === "done" ? (number(job, "failed") > 0 ? "warning" : "success") : undefined}
      />
      {number(job, "failed") > 0 && <Content component="p">{t("failedCount", { count: number(job, "failed") })}</Content>}
      {text(job, "error") && (
        <Notice variant="danger" title={t("ended")}>
          {kept(text(job, "error"))}
        </Notice>
      )}
    </div>
  );
}

/** What became of each thing; failedAlone: at first, of those that failed. */
export function JobItems({ job, failedAlone = false }: { job: Item; failedAlone?: boolean }) {
  const { t } = useTranslation("work");
  const kept = useKept();
  const [failed, setFailed] = useState(failedAlone);
  const {
    found: items,
    rows,
    turn,
  } = usePages("/job_items", { "filter[job]": job.id, "filter[status]": failed ? "failed" : undefined }, { stamp: `${number(job, "done") + number(job, "failed")}` });
  return (
    <>
      <ErrorAlert error={items.error} />
      <div className="siegel-actions siegel-below">
        <Button
          variant="secondary"
          aria-pressed={failed}
          onClick={() => setFailed(!failed)}
        >
          {t(failed ? "showAll" : "showFailed")}
        </Button>
      </div>
      {rows.length === 0 && items.data && <Content component="p">{t(failed ? "noFailures" : "noItems")}</Content>}
      {rows.length > 0 && (
        <Table aria-label={t("items")} variant="compact" gridBreakPoint="grid-md">
          <Thead>
            <Tr>
              <Th>{t("item")}</Th>
              <Th>{t("state")}</Th>
              <Th>{t("detail")}</Th>
            </Tr>
          </Thead>
          <Tbody>
            {rows.map((one) => {
              const status = text(one, "status") as keyof typeof ITEM_LOOK;
              return (
                <Tr key={one.id}>
                  <Td dataLabel={t("item")} modifier="breakWord">
                    <AuditedObject object={text(one, "object")} said={kept} />
                  </Td>
                  <Td dataLabel={t("state")}>
                    <Label status={Object.hasOwn(ITEM_LOOK, status) ? ITEM_LOOK[status] : "info"}>{t(`itemStatus.${status}`, { defaultValue: status })}</Label>
                  </Td>
                  <Td dataLabel={t("detail")} modifier="breakWord">
                    <AuditedObject object={text(one, "detail")} said={(detail) => kept(detail, text(one, "message_de"))} />
                  </Td>
                </Tr>
              );
            })}
          </Tbody>
        </Table>
      )}
      <Pages turn={turn} />
    </>
  );
}
