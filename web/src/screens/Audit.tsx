// The audit log: searched, verified, taken away; and the seals that say it is whole.
import { ActionGroup, Button, Card, CardBody, CardTitle, Content, ExpandableSection, Form, Grid, GridItem, PageSection, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { usePage, usePages, useSend } from "../api/hooks";
import { isRunning, useJob } from "../api/jobs";
import { type Item, number, page, type Page, text } from "../api/rest";
import { count, instant } from "../format";
import { AuditedObject, useActionWords, whoOf } from "../parts/audited";
import { Choose } from "../parts/Choose";
import { ErrorAlert } from "../parts/ErrorAlert";
import { download } from "../parts/download";
import { JobItems, JobProgress } from "../parts/Job";
import { Fact, Facts, TextField } from "../parts/kit";
import { Notice } from "../parts/Notice";
import { Pages } from "../parts/Pages";
import { Title } from "../parts/Title";
import { WhenField } from "../parts/When";
import { auditKinds } from "../resources/model";
import { Json } from "../resources/Value";
import { useWords } from "../resources/words";
import { auditQuery, csvOf } from "./work";

const COLUMNS = ["at", "actor", "action", "object", "detail", "chain", "seq", "hash"];
const MOST_EXPORTED = 50_000; // they are put together in the memory of the browser

function Verification() {
  const { t, i18n } = useTranslation("audit");
  const [since, setSince] = useState("");
  const [until, setUntil] = useState("");
  const verify = useSend();
  const job = useJob(verify.data?.job ?? null);
  const seals = usePage("/audit_seals", { sort: "-at_us", "page[size]": 5 });
  const result = job.data?.attributes.result as { intact?: boolean; rows?: number; problems?: number; seals?: number; chains?: number } | null | undefined;
  const over = job.data !== undefined && !isRunning(job.data);
  const micros = (value: string) => (value && !Number.isNaN(Date.parse(value)) ? Date.parse(value) * 1000 : null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const [from, to] = [micros(since), micros(until)];
    verify.mutate({
      path: "/audit_events/verify", type: "verify", attributes: { ...(from !== null ? { since_us: from } : {}), ...(to !== null ? { until_us: to } : {}) },
    });
  };
  return (
    <Card>
      <CardTitle component="h2">{t("verification")}</CardTitle>
      <CardBody>
        <Content component="p">{t("verificationText")}</Content>
        <Form onSubmit={submit}>
          <Grid hasGutter md={6}>
            <GridItem>
              <WhenField id="log-since" label={t("since")} help={t("sinceHelp")} value={since} onChange={setSince} />
            </GridItem>
            <GridItem>
              <WhenField id="log-until" label={t("until")} help={t("untilHelp")} value={until} onChange={setUntil} />
            </GridItem>
          </Grid>
          <ActionGroup>
            <Button type="submit" isLoading={verify.isPending || isRunning(job.data)} isDisabled={verify.isPending || isRunning(job.data)}>
              {t("verify")}
            </Button>
          </ActionGroup>
        </Form>
        <div className="siegel-tab">
          <ErrorAlert error={verify.error ?? job.error} labels={{ since_us: t("since"), until_us: t("until") }} />
          {job.data && <JobProgress job={job.data} />}
          {over && result && (
            <div data-intact={String(result.intact === true)}>
              <Notice variant={result.intact ? "success" : "danger"} title={t(result.intact ? "intact" : "broken")}>
                {t("verified", {
                  rows: count(i18n.language, result.rows ?? 0), seals: count(i18n.language, result.seals ?? 0), problems: count(i18n.language, result.problems ?? 0),
                })}
              </Notice>
              {!result.intact && job.data && <JobItems job={job.data} />}
            </div>
          )}
        </div>
        {(seals.data?.data.length ?? 0) > 0 && (
          <>
            <Content component="h3">{t("seals")}</Content>
            <Content component="p">{t("sealsText")}</Content>
            <Table aria-label={t("seals")} variant="compact" gridBreakPoint="grid-md">
              <Thead>
                <Tr>
                  <Th>{t("number")}</Th>
                  <Th>{t("at")}</Th>
                  <Th>{t("chains")}</Th>
                  <Th>{t("signature")}</Th>
                </Tr>
              </Thead>
              <Tbody>
                {(seals.data?.data ?? []).map((one) => (
                  <Tr key={one.id}>
                    <Td dataLabel={t("number")}>{one.id}</Td>
                    <Td dataLabel={t("at")}>{instant(i18n.language, text(one, "at"))}</Td>
                    <Td dataLabel={t("chains")}>{text(one, "heads").trimEnd().split("\n").length}</Td>
                    <Td dataLabel={t("signature")} modifier="breakWord" className="siegel-mono">
                      {text(one, "signature")}
                    </Td>
                  </Tr>
                ))}
              </Tbody>
            </Table>
          </>
        )}
        <Content component="p" className="siegel-tab">
          {t("elsewhere")}
        </Content>
      </CardBody>
    </Card>
  );
}

function Entry({ item }: { item: Item }) {
  const { t } = useTranslation("audit");
  const [open, setOpen] = useState(false);
  return (
    <ExpandableSection toggleText={t("detail")} toggleAriaLabel={`${t("detail")}: ${item.id}`} isExpanded={open} onToggle={(_, v) => setOpen(v)}>
      <Facts>
        <Fact name={t("chain")}>
          {text(item, "chain")}, {number(item, "seq")}
        </Fact>
        <Fact name={t("hash")}>
          <span className="siegel-mono">{text(item, "hash")}</span>
        </Fact>
        <Fact name={t("code")}>
          <span className="siegel-mono">{text(item, "action")}</span>
        </Fact>
        <Fact name={t("objectCode")}>
          <span className="siegel-mono">{text(item, "object")}</span>
        </Fact>
        <Fact name={t("actor")}>
          <span className="siegel-mono">{text(item, "actor")}</span>
        </Fact>
        {Object.entries((item.attributes.detail ?? {}) as Record<string, unknown>).map(([key, value]) => (
          <Fact key={key} name={key}>
            <Json value={value} />
          </Fact>
        ))}
      </Facts>
    </ExpandableSection>
  );
}

const EMPTY = { actor: "", action: "", kind: "", object: "", from: "", to: "" };
type Asked = typeof EMPTY;

/** Takes what was asked for away as a file, page by page, as far as one file goes. */
function useTaking(query: ReturnType<typeof auditQuery>) {
  const [exporting, setExporting] = useState<number | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  const [cut, setCut] = useState(false);
  const take = async (format: "csv" | "json") => {
    setFault(null);
    setCut(false);
    let all: Item[] = [];
    let after: string | null = null;
    try {
      do {
        const part: Page = await page("/audit_events", { ...query, "page[size]": 500, "page[after]": after });
        all = all.concat(part.data);
        setExporting(all.length);
        after = part.next;
      } while (after !== null && all.length < MOST_EXPORTED);
      setCut(after !== null);
      const body = format === "csv" ? csvOf(all, COLUMNS) : JSON.stringify(all.map((one) => ({ id: one.id, ...one.attributes })), null, 1);
      download(`audit.${format}`, body, format === "csv" ? "text/csv" : "application/json");
    } catch (error) {
      setFault(error);
    }
    setExporting(null);
  };
  return { exporting, fault, cut, take };
}

function Conditions({ typed, onChange }: { typed: Asked; onChange: (typed: Asked) => void }) {
  const { t, i18n } = useTranslation("audit");
  const { choices } = useActionWords();
  const words = useWords();
  const kinds = auditKinds()
    .map(({ kind, resource }) => ({ value: kind, label: words.resource(resource).one }))
    .sort((a, b) => a.label.localeCompare(b.label, i18n.language));
  const choose = { any: t("any"), none: t("none"), clear: t("clear") };
  return (
    <Grid hasGutter md={4}>
      <GridItem>
        <TextField label={t("actor")} help={t("actorHelp")} value={typed.actor} onChange={(actor) => onChange({ ...typed, actor })} />
      </GridItem>
      <GridItem>
        <Choose label={t("action")} help={t("actionHelp")} value={typed.action} onChange={(action) => onChange({ ...typed, action })} choices={choices} words={choose} />
      </GridItem>
      <GridItem>
        <Choose label={t("kind")} value={typed.kind} onChange={(kind) => onChange({ ...typed, kind })} choices={kinds} words={choose} />
      </GridItem>
      <GridItem>
        <TextField label={t("objectNumber")} help={t("objectHelp")} value={typed.object} onChange={(object) => onChange({ ...typed, object })} />
      </GridItem>
      <GridItem>
        <WhenField id="log-from" label={t("from")} value={typed.from} onChange={(from) => onChange({ ...typed, from })} />
      </GridItem>
      <GridItem>
        <WhenField id="log-to" label={t("to")} value={typed.to} onChange={(to) => onChange({ ...typed, to })} />
      </GridItem>
    </Grid>
  );
}

function Log({ rows }: { rows: Item[] }) {
  const { t, i18n } = useTranslation("audit");
  const { said } = useActionWords();
  return (
    <Table aria-label={t("log")} variant="compact" gridBreakPoint="grid-lg">
      <Thead>
        <Tr>
          <Th>{t("at")}</Th>
          <Th>{t("actor")}</Th>
          <Th>{t("action")}</Th>
          <Th>{t("object")}</Th>
          <Th>{t("detail")}</Th>
        </Tr>
      </Thead>
      <Tbody>
        {rows.map((one) => (
          <Tr key={one.id}>
            <Td dataLabel={t("at")} modifier="nowrap">
              {instant(i18n.language, text(one, "at"))}
            </Td>
            <Td dataLabel={t("actor")} modifier="breakWord" className="siegel-broad">
              {whoOf(text(one, "actor"))}
            </Td>
            <Td dataLabel={t("action")} modifier="breakWord" className="siegel-text">
              {said(text(one, "action"))}
            </Td>
            <Td dataLabel={t("object")} modifier="breakWord" className="siegel-text">
              <AuditedObject object={text(one, "object")} />
            </Td>
            <Td dataLabel={t("detail")}>
              <Entry item={one} />
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

export default function Audit() {
  const { t, i18n } = useTranslation("audit");
  const [typed, setTyped] = useState(EMPTY);
  const [asked, setAsked] = useState(EMPTY);
  const query = auditQuery(asked);
  const { found, rows, turn } = usePages("/audit_events", query);
  const { exporting, fault, cut, take } = useTaking(query);
  return (
    <>
      <Title title={t("title")} subtitle={t("subtitle")} />
      <PageSection>
        <Stack hasGutter>
          <StackItem>
            <Verification />
          </StackItem>
          <StackItem>
            <Card>
              <CardTitle component="h2">{t("log")}</CardTitle>
              <CardBody>
                <Form
                  role="search"
                  aria-label={t("search")}
                  onSubmit={(event: FormEvent) => {
                    event.preventDefault();
                    setAsked(typed);
                  }}
                >
                  <Conditions typed={typed} onChange={setTyped} />
                  <ActionGroup>
                    <Button type="submit">{t("search")}</Button>
                    <Button variant="secondary" isDisabled={exporting !== null} onClick={() => void take("csv")}>
                      {t("csv")}
                    </Button>
                    <Button variant="secondary" isDisabled={exporting !== null} onClick={() => void take("json")}>
                      {t("json")}
                    </Button>
                    <span role="status">{exporting !== null ? t("exporting", { n: count(i18n.language, exporting) }) : ""}</span>
                  </ActionGroup>
                </Form>
                {cut && <Notice variant="warning" isLiveRegion title={t("cut", { n: count(i18n.language, MOST_EXPORTED) })} />}
                <ErrorAlert error={found.error ?? fault} labels={{ "filter[actor]": t("actor") }} />
                {found.isPending && <Skeleton height="12rem" screenreaderText={t("loading")} />}
                {found.data && rows.length === 0 && <Content component="p">{t(turn.next ? "short" : "none")}</Content>}
                {rows.length > 0 && <Log rows={rows} />}
                <Pages turn={turn} />
              </CardBody>
            </Card>
          </StackItem>
        </Stack>
      </PageSection>
    </>
  );
}
