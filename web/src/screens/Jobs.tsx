// Long work: how far it is, what became of each thing, and its end when somebody wants it.
import { Breadcrumb, BreadcrumbItem, Button, Card, CardBody, CardTitle, EmptyState, EmptyStateBody, PageSection, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { usePages, useSend } from "../api/hooks";
import { isRunning, percentOf, useJob } from "../api/jobs";
import { number, text } from "../api/rest";
import { useMay } from "../api/session";
import { count, instant } from "../format";
import { whoOf } from "../parts/audited";
import { ErrorAlert } from "../parts/ErrorAlert";
import { JobItems, JobProgress, JobStatus } from "../parts/Job";
import { Fact, Facts } from "../parts/kit";
import { Pages } from "../parts/Pages";
import { Title } from "../parts/Title";
import { Json } from "../resources/Value";
import { filledOf } from "./work";

function useKind(): (kind: string) => string {
  const { t } = useTranslation("work");
  return (kind) => t(`kinds.${kind as "import"}`, { defaultValue: kind });
}

function List() {
  const { t, i18n } = useTranslation("work");
  const kind = useKind();
  const { found: jobs, rows, turn } = usePages("/jobs", {}, { again: (all) => (all.some(isRunning) ? 2000 : false) });
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
                    <Td dataLabel={t("who")}>{whoOf(text(job, "requestor"))}</Td>
                    <Td dataLabel={t("since")}>{instant(i18n.language, text(job, "created_at"))}</Td>
                  </Tr>
                );
              })}
            </Tbody>
          </Table>
        )}
        <Pages turn={turn} />
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
                    <Fact name={t("who")}>{whoOf(text(job, "requestor"))}</Fact>
                    <Fact name={t("since")}>{instant(i18n.language, text(job, "created_at"))}</Fact>
                    <Fact name={t("until")}>{instant(i18n.language, text(job, "ended_at"))}</Fact>
                    {filledOf(job.attributes.result).map(([name, value]) => (
                      <Fact key={name} name={name}>
                        <Json value={value} />
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
