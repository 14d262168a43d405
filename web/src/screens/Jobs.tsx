// Long work: how far it is, what became of each thing, and its end when somebody wants it.
import { Breadcrumb, BreadcrumbItem, Button, Card, CardBody, CardTitle, Content, EmptyState, EmptyStateBody, Label, PageSection, Progress, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { fetchOne, fetchPage, type Item, number, text, useSend } from "../api/plain";
import { count, cursorOf, instant } from "../format";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Fact, Facts, useMay } from "../parts/kit";
import { Notice } from "../parts/Notice";
import { Title } from "../parts/Title";
import { isRunning, linesOf, percentOf } from "./work";

const LOOK = { queued: "info", running: "info", done: "success", failed: "danger", cancelled: "warning" } as const;
const ITEM_LOOK = { done: "success", repeated: "info", skipped: "info", failed: "danger" } as const;

export function JobStatus({ job }: { job: Item }) {
  const { t } = useTranslation("work");
  const status = text(job, "status") as keyof typeof LOOK;
  return Object.hasOwn(LOOK, status) ? <Label status={LOOK[status]}>{t(`status.${status}`)}</Label> : <Label>{status}</Label>;
}

/** A job, asked about again as long as it runs. */
export function useJob(id: string | null) {
  return useQuery({
    queryKey: ["job", id],
    enabled: id !== null,
    queryFn: () => fetchOne(`/jobs/${id ?? ""}`),
    refetchInterval: (query) => (query.state.data && !isRunning(query.state.data) ? false : 1000),
  });
}

function useKind(): (kind: string) => string {
  const { t } = useTranslation("work");
  return (kind) => t(`kinds.${kind as "import"}`, { defaultValue: kind });
}

/** How far it is. */
export function JobProgress({ job }: { job: Item }) {
  const { t, i18n } = useTranslation("work");
  const percent = percentOf(job);
  const done = count(i18n.language, number(job, "done"));
  const label = t("doneOf", { done, total: typeof job.attributes.total === "number" ? count(i18n.language, job.attributes.total) : "?" });
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
          {text(job, "error")}
        </Notice>
      )}
    </div>
  );
}

/** What became of each thing, the failures first when there are some. */
export function JobItems({ job }: { job: Item }) {
  const { t } = useTranslation("work");
  const [cursors, setCursors] = useState<string[]>([]);
  const [failed, setFailed] = useState(false);
  const cursor = cursors.at(-1);
  const path = `/job_items?filter[job]=${job.id}&page[size]=50${failed ? "&filter[status]=failed" : ""}${cursor ? `&page[after]=${encodeURIComponent(cursor)}` : ""}`;
  const items = useQuery({
    queryKey: ["job_items", path, number(job, "done") + number(job, "failed")],
    placeholderData: (before) => before,
    queryFn: () => fetchPage(path),
  });
  const rows = items.data?.data ?? [];
  const next = cursorOf(items.data?.next);
  return (
    <>
      <ErrorAlert error={items.error} />
      <div className="siegel-actions siegel-below">
        <Button
          variant="secondary"
          aria-pressed={failed}
          onClick={() => {
            setCursors([]);
            setFailed(!failed);
          }}
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
              const certificate = /^certificate\/(\d+)$/.exec(text(one, "object"));
              return (
                <Tr key={one.id}>
                  <Td dataLabel={t("item")} modifier="breakWord">
                    {certificate ? <Link to={`/certificates/${certificate[1] ?? ""}`}>{text(one, "object")}</Link> : text(one, "object")}
                  </Td>
                  <Td dataLabel={t("state")}>
                    <Label status={Object.hasOwn(ITEM_LOOK, status) ? ITEM_LOOK[status] : "info"}>{t(`itemStatus.${status}`, { defaultValue: status })}</Label>
                  </Td>
                  <Td dataLabel={t("detail")} modifier="breakWord">
                    {text(one, "detail")}
                  </Td>
                </Tr>
              );
            })}
          </Tbody>
        </Table>
      )}
      {(next || cursors.length > 0) && (
        <div className="siegel-actions siegel-tab" role="group" aria-label={t("pages")}>
          <Button variant="secondary" isDisabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>
            {t("previous")}
          </Button>
          <Button variant="secondary" isDisabled={!next} onClick={() => next && setCursors([...cursors, next])}>
            {t("next")}
          </Button>
        </div>
      )}
    </>
  );
}

function List() {
  const { t, i18n } = useTranslation("work");
  const kind = useKind();
  const [cursors, setCursors] = useState<string[]>([]);
  const cursor = cursors.at(-1);
  const path = `/jobs?page[size]=50${cursor ? `&page[after]=${encodeURIComponent(cursor)}` : ""}`;
  const jobs = useQuery({
    queryKey: ["jobs", path],
    queryFn: () => fetchPage(path),
    refetchInterval: (query) => (query.state.data?.data.some(isRunning) ? 2000 : false),
  });
  const rows = jobs.data?.data ?? [];
  const next = cursorOf(jobs.data?.next);
  return (
    <>
      <Title title={t("jobs")} subtitle={t("jobsSubtitle")} />
      <PageSection>
        <ErrorAlert error={jobs.error} />
        {jobs.isPending && <Skeleton height="12rem" screenreaderText={t("loading")} />}
        {jobs.data && rows.length === 0 && (
          <EmptyState titleText={t("noJobs")} headingLevel="h2">
            <EmptyStateBody>{t("noJobsText")}</EmptyStateBody>
          </EmptyState>
        )}
        {rows.length > 0 && (
          <Table aria-label={t("jobs")} variant="compact" gridBreakPoint="grid-lg">
            <Thead>
              <Tr>
                <Th>{t("what")}</Th>
                <Th>{t("state")}</Th>
                <Th>{t("progress")}</Th>
                <Th>{t("failures")}</Th>
                <Th>{t("who")}</Th>
                <Th>{t("since")}</Th>
              </Tr>
            </Thead>
            <Tbody>
              {rows.map((job) => {
                const percent = percentOf(job);
                return (
                  <Tr key={job.id}>
                    <Td dataLabel={t("what")}>
                      <Link to={`/jobs/${job.id}`}>
                        {kind(text(job, "kind"))} ({job.id})
                      </Link>
                    </Td>
                    <Td dataLabel={t("state")}>
                      <JobStatus job={job} />
                    </Td>
                    <Td dataLabel={t("progress")}>{percent === null ? count(i18n.language, number(job, "done")) : `${percent} %`}</Td>
                    <Td dataLabel={t("failures")}>{count(i18n.language, number(job, "failed"))}</Td>
                    <Td dataLabel={t("who")}>{text(job, "requestor")}</Td>
                    <Td dataLabel={t("since")}>{instant(i18n.language, text(job, "created_at"))}</Td>
                  </Tr>
                );
              })}
            </Tbody>
          </Table>
        )}
        {(next || cursors.length > 0) && (
          <div className="siegel-actions siegel-tab" role="group" aria-label={t("pages")}>
            <Button variant="secondary" isDisabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>
              {t("previous")}
            </Button>
            <Button variant="secondary" isDisabled={!next} onClick={() => next && setCursors([...cursors, next])}>
              {t("next")}
            </Button>
          </div>
        )}
      </PageSection>
    </>
  );
}

function One({ id }: { id: string }) {
  const { t, i18n } = useTranslation("work");
  const kind = useKind();
  const may = useMay();
  const found = useJob(id);
  const cancel = useSend(() => void found.refetch());
  const job = found.data;
  return (
    <>
      <Title
        title={job ? kind(text(job, "kind")) : t("job")}
        subtitle={t("jobNumber", { id })}
        above={
          <Breadcrumb aria-label={t("path")}>
            <BreadcrumbItem>
              <Link to="/jobs">{t("jobs")}</Link>
            </BreadcrumbItem>
            <BreadcrumbItem isActive>{id}</BreadcrumbItem>
          </Breadcrumb>
        }
        actions={
          isRunning(job) &&
          may("jobs.manage") && (
            <Button variant="danger" isLoading={cancel.isPending} isDisabled={cancel.isPending || job?.attributes.cancel === true} onClick={() => cancel.mutate({ path: `/jobs/${id}/cancel` })}>
              {t(job?.attributes.cancel === true ? "cancelling" : "cancel")}
            </Button>
          )
        }
      />
      <PageSection>
        <ErrorAlert error={found.error ?? cancel.error} />
        {found.isPending && <Skeleton height="12rem" screenreaderText={t("loading")} />}
        {job && (
          <Stack hasGutter>
            <StackItem>
              <Card>
                <CardTitle component="h2">{t("progress")}</CardTitle>
                <CardBody>
                  <JobProgress job={job} />
                  <Facts>
                    <Fact name={t("state")}>
                      <JobStatus job={job} />
                    </Fact>
                    <Fact name={t("who")}>{text(job, "requestor")}</Fact>
                    <Fact name={t("since")}>{instant(i18n.language, text(job, "created_at"))}</Fact>
                    <Fact name={t("until")}>{instant(i18n.language, text(job, "ended_at"))}</Fact>
                    {linesOf(job.attributes.result).slice(0, 20).map((line) => (
                      <Fact key={line.name} name={line.name}>
                        {line.value}
                      </Fact>
                    ))}
                  </Facts>
                </CardBody>
              </Card>
            </StackItem>
            <StackItem>
              <Card>
                <CardTitle component="h2">{t("items")}</CardTitle>
                <CardBody>
                  <JobItems job={job} />
                </CardBody>
              </Card>
            </StackItem>
          </Stack>
        )}
      </PageSection>
    </>
  );
}

export default function Jobs() {
  const { id } = useParams();
  return id ? <One key={id} id={id} /> : <List />;
}
