// Another PKI comes in: make the import, hand in files, start it, watch it, read what became of each thing.
import {
  Breadcrumb,
  BreadcrumbItem,
  Button,
  Card,
  CardBody,
  CardTitle,
  Checkbox,
  Content,
  EmptyState,
  EmptyStateActions,
  EmptyStateBody,
  EmptyStateFooter,
  Label,
  MultipleFileUpload,
  MultipleFileUploadMain,
  PageSection,
  Skeleton,
  Stack,
  StackItem,
} from "@patternfly/react-core";
import UploadIcon from "@patternfly/react-icons/dist/esm/icons/upload-icon";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { useAll, useOne, usePages, useSend, useWhole } from "../api/hooks";
import { useJob } from "../api/jobs";
import { useRenew } from "../api/keys";
import { type Item, type Outcome, number, related, send, text } from "../api/rest";
import { useMay } from "../api/session";
import { JobItems, JobProgress } from "../parts/Job";
import { count, instant } from "../format";
import { useBuiltin } from "../i18n/say";
import { whoOf } from "../parts/audited";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Dialog, Done, Fact, Facts, SelectField, TextField, wrongWith } from "../parts/kit";
import { Pages } from "../parts/Pages";
import { Title } from "../parts/Title";

const LOOK = { open: "info", started: "info", done: "success", failed: "danger" } as const;

function Status({ item }: { item: Item }) {
  const { t } = useTranslation("work");
  const status = text(item, "status") as keyof typeof LOOK;
  return Object.hasOwn(LOOK, status) ? <Label status={LOOK[status]}>{t(`importStatus.${status}`)}</Label> : <Label>{status}</Label>;
}

function NewImport({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("work");
  const navigate = useNavigate();
  const title = useBuiltin();
  const profiles = useAll("/profiles");
  const stores = useWhole("/key_stores");
  const [name, setName] = useState("");
  const [profile, setProfile] = useState("");
  const [store, setStore] = useState("");
  const [archive, setArchive] = useState(false);
  const create = useSend((done) => void navigate(done.approval ? `/approvals/${done.approval}` : `/imports/${done.item?.id ?? ""}`));
  return (
    <Dialog
      title={t("newImport")}
      action={t("create")}
      busy={create.isPending}
      disabled={!name.trim()}
      error={create.error}
      labels={{ name: t("name"), profile: t("profile"), key_store: t("keyStore") }}
      onClose={onClose}
      onDo={() =>
        create.mutate({
          path: "/imports", type: "imports",
          attributes: { name: name.trim(), ...(profile ? { profile } : {}), ...(store ? { key_store: store } : {}), ...(archive ? { archive_keys: true } : {}) },
        })
      }
    >
      <TextField label={t("name")} help={t("importNameHelp")} required value={name} onChange={setName} error={wrongWith(create.error, "name")} />
      <SelectField
        label={t("profile")}
        help={t("profileHelp")}
        value={profile}
        onChange={setProfile}
        choices={[{ value: "", label: t("profileByPurpose") }, ...(profiles.data ?? []).map((p) => ({ value: text(p, "name"), label: title(text(p, "title")) || text(p, "name") }))]}
      />
      <SelectField
        label={t("keyStore")}
        help={t("keyStoreHelp")}
        value={store}
        onChange={setStore}
        choices={[{ value: "", label: t("keyStoreDefault") }, ...(stores.data ?? []).map((s) => ({ value: s.id, label: s.id === "file" ? t("keyStoreFiles") : s.id }))]}
      />
      <Checkbox id="archive-keys" label={t("archive")} description={t("archiveText")} isChecked={archive} onChange={(_, v) => setArchive(v)} />
    </Dialog>
  );
}

function List() {
  const { t, i18n } = useTranslation("work");
  const may = useMay();
  const { found: imports, rows, turn } = usePages("/imports");
  const [making, setMaking] = useState(false);
  const create = may("certificates.import") && <Button onClick={() => setMaking(true)}>{t("newImport")}</Button>;
  return (
    <>
      <Title title={t("imports")} subtitle={t("importsSubtitle")} actions={create} />
      <PageSection>
        <ErrorAlert error={imports.error} />
        {imports.isPending && <Skeleton height="12rem" screenreaderText={t("loading")} />}
        {imports.data && rows.length === 0 && (
          <EmptyState titleText={t("noImports")} headingLevel="h2">
            <EmptyStateBody>{t("noImportsText")}</EmptyStateBody>
            {create && (
              <EmptyStateFooter>
                <EmptyStateActions>{create}</EmptyStateActions>
              </EmptyStateFooter>
            )}
          </EmptyState>
        )}
        {rows.length > 0 && (
          <Table aria-label={t("imports")} variant="compact" gridBreakPoint="grid-md">
            <Thead>
              <Tr>
                <Th>{t("name")}</Th>
                <Th>{t("state")}</Th>
                <Th>{t("files")}</Th>
                <Th>{t("who")}</Th>
                <Th>{t("since")}</Th>
              </Tr>
            </Thead>
            <Tbody>
              {rows.map((one) => (
                <Tr key={one.id}>
                  <Td dataLabel={t("name")} modifier="breakWord">
                    <Link to={`/imports/${one.id}`}>{text(one, "name")}</Link>
                  </Td>
                  <Td dataLabel={t("state")}>
                    <Status item={one} />
                  </Td>
                  <Td dataLabel={t("files")}>{number(one, "files")}</Td>
                  <Td dataLabel={t("who")}>{whoOf(text(one, "requestor"))}</Td>
                  <Td dataLabel={t("since")}>{instant(i18n.language, text(one, "created_at"))}</Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        )}
        <Pages turn={turn} />
        {making && <NewImport onClose={() => setMaking(false)} />}
      </PageSection>
    </>
  );
}

/** Files go one after the other; a list of passwords is told by its ending. */
function useUpload(id: string) {
  const renew = useRenew();
  return useMutation({
    mutationFn: async (files: File[]) => {
      for (const file of files) {
        const kind = /\.csv$/i.test(file.name) ? "&kind=passwords" : "";
        await send({ path: `/imports/${id}/files?name=${encodeURIComponent(file.name)}${kind}`, file });
      }
    },
    onSettled: () => void renew(),
  });
}

function FilesTable({ rows }: { rows: Item[] }) {
  const { t, i18n } = useTranslation("work");
  return (
    <Table aria-label={t("files")} variant="compact" gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th>{t("file")}</Th>
          <Th>{t("kind")}</Th>
          <Th>{t("size")}</Th>
        </Tr>
      </Thead>
      <Tbody>
        {rows.map((file) => (
          <Tr key={file.id}>
            <Td dataLabel={t("file")} modifier="breakWord">
              {text(file, "name")}
            </Td>
            <Td dataLabel={t("kind")}>{t(text(file, "kind") === "passwords" ? "kindPasswords" : "kindData")}</Td>
            <Td dataLabel={t("size")}>{t("bytes", { count: number(file, "size_bytes"), n: count(i18n.language, number(file, "size_bytes")) })}</Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

/** What was handed in; until the import is started there can be more. */
function Files({ rows, open, upload }: { rows: Item[]; open: boolean; upload: ReturnType<typeof useUpload> }) {
  const { t } = useTranslation("work");
  const may = useMay();
  return (
    <Card>
      <CardTitle component="h2">{t("files")}</CardTitle>
      <CardBody>
        {open && may("certificates.import") && (
          <MultipleFileUpload onFileDrop={(_, dropped) => upload.mutate(dropped)} dropzoneProps={{ maxSize: 16 * 1024 * 1024 }} aria-label={t("hand")}>
            <MultipleFileUploadMain
              titleIcon={<UploadIcon />}
              titleText={t("drop")}
              titleTextSeparator={t("or")}
              infoText={t("dropText")}
              browseButtonText={t("browse")}
            />
          </MultipleFileUpload>
        )}
        {upload.isPending && <Content component="p">{t("uploading")}</Content>}
        {rows.length > 0 && <FilesTable rows={rows} />}
        {rows.length === 0 && !open && <Content component="p">{t("filesGone")}</Content>}
      </CardBody>
    </Card>
  );
}

/** The job that takes it in, and what became of each thing. */
function Progress({ job }: { job: Item }) {
  const { t } = useTranslation("work");
  return (
    <Card>
        <CardTitle component="h2">{t("progress")}</CardTitle>
        <CardBody>
          <JobProgress job={job} />
          <Facts>
            <Fact name={t("job")}>
              <Link to={`/jobs/${job.id}`}>{job.id}</Link>
            </Fact>
          </Facts>
        </CardBody>
        <CardTitle component="h2">{t("items")}</CardTitle>
        <CardBody>
          <JobItems job={job} />
        </CardBody>
      </Card>
  );
}

function One({ id }: { id: string }) {
  const { t } = useTranslation("work");
  const may = useMay();
  const navigate = useNavigate();
  const found = useOne(`/imports/${id}`);
  const files = useAll(`/import_files?filter[import]=${id}`);
  const upload = useUpload(id);
  const [started, setStarted] = useState<Outcome | null>(null);
  const start = useSend((outcome) => {
    setStarted(outcome);
    void found.refetch();
  });
  const remove = useSend((outcome) => {
    if (!outcome.approval && !outcome.job) {
      void navigate("/imports");
    }
  });
  const one = found.data;
  const jobId = related(one, "job") ?? started?.job ?? null;
  const job = useJob(jobId);
  const open = text(one, "status") === "open" && jobId === null;
  const rows = files.data ?? [];
  return (
    <>
      <Title
        title={text(one, "name") || t("import")}
        subtitle={t("importSteps")}
        above={
          <Breadcrumb aria-label={t("path")}>
            <BreadcrumbItem>
              <Link to="/imports">{t("imports")}</Link>
            </BreadcrumbItem>
            <BreadcrumbItem isActive>{text(one, "name") || id}</BreadcrumbItem>
          </Breadcrumb>
        }
        actions={
          open &&
          may("certificates.import") && (
            <div className="siegel-actions">
              <Button isDisabled={rows.length === 0 || start.isPending || upload.isPending} isLoading={start.isPending} onClick={() => start.mutate({ path: `/imports/${id}/start` })}>
                {t("start")}
              </Button>
              <Button variant="danger" isDisabled={remove.isPending} onClick={() => remove.mutate({ method: "DELETE", path: `/imports/${id}` })}>
                {t("delete")}
              </Button>
            </div>
          )
        }
      />
      <PageSection>
        <ErrorAlert error={found.error ?? start.error ?? upload.error ?? remove.error} />
        {found.isPending && <Skeleton height="12rem" screenreaderText={t("loading")} />}
        {one && (
          <Stack hasGutter>
            {(started?.approval ?? remove.data) && (
              <StackItem>
                <Done outcome={started?.approval ? started : remove.data} />
              </StackItem>
            )}
            <StackItem>
              <Files rows={rows} open={open} upload={upload} />
            </StackItem>
            {job.data && (
              <StackItem>
                <Progress job={job.data} />
              </StackItem>
            )}
          </Stack>
        )}
      </PageSection>
    </>
  );
}

export default function Imports() {
  const { id } = useParams();
  return id ? <One key={id} id={id} /> : <List />;
}
