// What waits for people: what is asked for, by whom and why, and one's own word on it.
import { Breadcrumb, BreadcrumbItem, Button, Card, CardBody, CardTitle, Content, EmptyState, EmptyStateBody, Label, PageSection, Skeleton, Stack, StackItem, ToggleGroup, ToggleGroupItem } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { useOne, usePages, useSend } from "../api/hooks";
import { type Item, number, type Outcome, text } from "../api/rest";
import { useMay, useOwn } from "../api/session";
import { instant } from "../format";
import { germanReason, useBuiltin, useKept, useRuleSays } from "../i18n/say";
import { whoOf } from "../parts/audited";
import { Code } from "../parts/Code";
import { ErrorAlert } from "../parts/ErrorAlert";
import { AreaField, Dialog, Fact, Facts } from "../parts/kit";
import { Notice } from "../parts/Notice";
import { Pages } from "../parts/Pages";
import { Title } from "../parts/Title";
import { addressOf, resourceOfAudited } from "../resources/model";
import { Json } from "../resources/Value";
import { useWords } from "../resources/words";
import { type Decision, dutiesOf, filledOf, isPem } from "./work";

const LOOK = { open: "info", approved: "success", done: "success", failed: "danger", rejected: "danger", withdrawn: "custom", expired: "warning" } as const;
type State = keyof typeof LOOK;

function Status({ item }: { item: Item }) {
  const { t } = useTranslation("approvals");
  const status = text(item, "status");
  return Object.hasOwn(LOOK, status) ? <Label status={LOOK[status as State]}>{t(`status.${status as State}`)}</Label> : <Label>{status}</Label>;
}

/** The operation in words, as far as there are some. */
function useOperation(): (operation: string) => string {
  const { t } = useTranslation("approvals");
  return (operation) => t(`operations.${operation.replace(".", "_") as "ca_create"}`, { defaultValue: operation });
}

/** A value of what is asked for, in words where the product knows some: rights by their titles. */
function Wanted({ name, value }: { name: string; value: unknown }) {
  const words = useWords();
  const builtin = useBuiltin();
  if (name === "rights" && Array.isArray(value)) {
    return (
      <ul className="siegel-plain">
        {value.map((one) => (
          <li key={String(one)}>{words.right(String(one))}</li>
        ))}
      </ul>
    );
  }
  if (typeof value === "string") {
    if (name === "right") {
      return words.right(value);
    }
    if (name === "source" || name === "kind" || name === "evidence" || name === "reason") {
      return words.value("certificates", name === "reason" ? "revocation_reason" : name, value);
    }
    if (name === "requestor") {
      return whoOf(value);
    }
    if (name === "role" || name === "title") {
      return builtin(value);
    }
  }
  return <Json value={value} name={name} />;
}

function ApprovalList() {
  const { t, i18n } = useTranslation("approvals");
  const says = useRuleSays();
  const may = useMay();
  const me = useOwn().name ?? "";
  const operation = useOperation();
  const [which, setWhich] = useState<"open" | "all">("open");
  const { found: approvals, rows, turn } = usePages("/approvals", { "filter[status]": which === "open" ? "open" : undefined });
  return (
    <>
      <Title title={t("title")} subtitle={t("subtitle")} />
      <PageSection>
        <ErrorAlert error={approvals.error} />
        <ToggleGroup aria-label={t("which")} className="siegel-below">
          <ToggleGroupItem text={t("open")} buttonId="which-open" isSelected={which === "open"} onChange={() => setWhich("open")} />
          <ToggleGroupItem text={t("all")} buttonId="which-all" isSelected={which === "all"} onChange={() => setWhich("all")} />
        </ToggleGroup>
        {approvals.isPending && <Skeleton height="12rem" screenreaderText={t("loading")} />}
        {approvals.data && rows.length === 0 && (
          <EmptyState titleText={t("none")} headingLevel="h2">
            <EmptyStateBody>{t("noneText")}</EmptyStateBody>
          </EmptyState>
        )}
        {rows.length > 0 && (
          <Table aria-label={t("title")} variant="compact" gridBreakPoint="grid-lg">
            <Thead>
              <Tr>
                <Th>{t("what")}</Th>
                <Th>{t("who")}</Th>
                <Th>{t("why")}</Th>
                <Th>{t("state")}</Th>
                <Th>{t("yourPart")}</Th>
                <Th>{t("since")}</Th>
              </Tr>
            </Thead>
            <Tbody>
              {rows.map((one) => {
                const duties = dutiesOf(one, me, may("approvals.decide"));
                return (
                  <Tr key={one.id}>
                    <Td dataLabel={t("what")} modifier="breakWord">
                      <Link to={`/approvals/${one.id}`}>
                        {operation(text(one, "operation"))} ({one.id})
                      </Link>
                    </Td>
                    <Td dataLabel={t("who")}>{whoOf(text(one, "requestor"))}</Td>
                    <Td dataLabel={t("why")} modifier="breakWord">
                      {says({ message: text(one, "reason"), message_de: germanReason(one.attributes) })}
                    </Td>
                    <Td dataLabel={t("state")}>
                      <Status item={one} />
                    </Td>
                    <Td dataLabel={t("yourPart")}>{t(duties.decide ? "partDecide" : duties.mine ? "partMine" : duties.decided ? "partDecided" : "partNone")}</Td>
                    <Td dataLabel={t("since")}>{instant(i18n.language, text(one, "created_at"))}</Td>
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

function Decide({ item, action, onClose, onDone }: { item: Item; action: "approve" | "reject" | "withdraw"; onClose: () => void; onDone: (o: Outcome) => void }) {
  const { t } = useTranslation("approvals");
  const [comment, setComment] = useState("");
  const decide = useSend(onDone);
  return (
    <Dialog
      title={t(`${action}Title`)}
      action={t(action)}
      danger={action === "reject"}
      busy={decide.isPending}
      error={decide.error}
      onClose={onClose}
      onDo={() =>
        decide.mutate({
          path: `/approvals/${item.id}/${action}`, type: action,
          attributes: { ...(comment.trim() ? { comment: comment.trim() } : {}), ...(action === "withdraw" ? {} : { version: number(item, "version") }) },
        })
      }
    >
      <Content component="p">{t(`${action}Text`)}</Content>
      <AreaField label={t("comment")} help={t("commentHelp")} rows={3} value={comment} onChange={setComment} />
    </Dialog>
  );
}

/** What is asked for, by whom and why. */
function Request({ item }: { item: Item }) {
  const { t, i18n } = useTranslation("approvals");
  const says = useRuleSays();
  const words = useWords();
  const operation = useOperation();
  const asked = filledOf(item.attributes.body);
  const about = resourceOfAudited(text(item, "operation").split(".")[0] ?? "") ?? "certificates";
  const nameOf = (name: string) => (name === "default_days" || name === "made_here" || name === "same_key" ? t(`body.${name}`) : words.attribute(about, name));
  return (
    <Card>
      <CardTitle component="h2">{t("request")}</CardTitle>
      <CardBody>
        <Facts>
          <Fact name={t("who")}>{whoOf(text(item, "requestor"))}</Fact>
          <Fact name={t("state")}>
            <Status item={item} />
          </Fact>
          <Fact name={t("why")}>{says({ message: text(item, "reason"), message_de: germanReason(item.attributes) })}</Fact>
          <Fact name={t("since")}>{instant(i18n.language, text(item, "created_at"))}</Fact>
          <Fact name={t("expires")}>{instant(i18n.language, text(item, "expires_at"))}</Fact>
          {item.attributes.object !== null && item.attributes.object !== undefined && (
            <Fact name={words.resource(about).one}>
              <Link to={addressOf(about, text(item, "object"))}>{text(item, "object")}</Link>
            </Fact>
          )}
          {asked.map(([name, value]) =>
            isPem(value) ? null : (
              <Fact key={name} name={nameOf(name)}>
                {name === "operation" ? operation(String(value)) : <Wanted name={name} value={value} />}
              </Fact>
            ),
          )}
        </Facts>
        {asked.map(([name, value]) => isPem(value) && <Code key={name} label={nameOf(name)} text={value} file={`${name}.pem`} />)}
      </CardBody>
    </Card>
  );
}

/** How many have to approve, and who has said what. */
function Decisions({ item }: { item: Item }) {
  const { t, i18n } = useTranslation("approvals");
  const says = useRuleSays();
  const builtin = useBuiltin();
  const words = useWords();
  const decisions = (item.attributes.decisions ?? []) as Decision[];
  const approvers = (item.attributes.approvers ?? []) as { count?: number; right?: string; role?: string; policy?: string; rule?: string; message?: string; message_de?: string }[];
  return (
    <Card>
      <CardTitle component="h2">{t("decisions")}</CardTitle>
      <CardBody>
        <Content component="p">{t("wanted", { count: number(item, "wanted"), given: decisions.filter((d) => d.approves).length })}</Content>
        {approvers.map((a) => (
          <Content component="p" key={`${a.policy ?? ""}-${a.rule ?? ""}`}>
            {t("byRule", { policy: a.policy ?? "–", rule: a.rule ?? "–" })}: {says(a)} ({a.role ? t("withRole", { role: builtin(a.role) }) : t("withRight", { right: words.right(a.right ?? "approvals.decide") })})
          </Content>
        ))}
        {decisions.map((d) => (
          <Content component="p" key={`${d.account}-${d.at}`}>
            <Label status={d.approves ? "success" : "danger"}>{t(d.approves ? "yes" : "no")}</Label> {whoOf(d.account)}, {instant(i18n.language, d.at)}
            {d.comment ? `: ${d.comment}` : ""}
          </Content>
        ))}
        {decisions.length === 0 && <Content component="p">{t("noDecisions")}</Content>}
      </CardBody>
    </Card>
  );
}

function One({ id }: { id: string }) {
  const { t } = useTranslation("approvals");
  const kept = useKept();
  const may = useMay();
  const me = useOwn().name ?? "";
  const operation = useOperation();
  const found = useOne(`/approvals/${id}`);
  const [action, setAction] = useState<"approve" | "reject" | "withdraw" | null>(null);
  const [done, setDone] = useState<"approve" | "reject" | "withdraw" | null>(null);
  const item = found.data;
  if (!item) {
    return (
      <>
        <Title title={t("one")} />
        <PageSection>
          <ErrorAlert error={found.error} />
          {found.isPending && <Skeleton height="12rem" screenreaderText={t("loading")} />}
        </PageSection>
      </>
    );
  }
  const duties = dutiesOf(item, me, may("approvals.decide"));
  return (
    <>
      <Title
        title={operation(text(item, "operation"))}
        subtitle={t("number", { id })}
        above={
          <Breadcrumb aria-label={t("path")}>
            <BreadcrumbItem>
              <Link to="/approvals">{t("title")}</Link>
            </BreadcrumbItem>
            <BreadcrumbItem isActive>{id}</BreadcrumbItem>
          </Breadcrumb>
        }
        actions={
          <div className="siegel-actions">
            {duties.decide && <Button onClick={() => setAction("approve")}>{t("approve")}</Button>}
            {duties.decide && (
              <Button variant="danger" onClick={() => setAction("reject")}>
                {t("reject")}
              </Button>
            )}
            {duties.withdraw && (
              <Button variant="secondary" onClick={() => setAction("withdraw")}>
                {t("withdraw")}
              </Button>
            )}
          </div>
        }
      />
      <PageSection>
        <Stack hasGutter>
          {done && (
            <StackItem>
              <Notice variant="success" title={t(`${done}Done`)} />
            </StackItem>
          )}
          {text(item, "error") && (
            <StackItem>
              <Notice variant="danger" title={t("failed")}>
                {kept(text(item, "error"))}
              </Notice>
            </StackItem>
          )}
          {duties.mine && text(item, "status") === "open" && (
            <StackItem>
              <Notice variant="info" title={t("mine")} />
            </StackItem>
          )}
          <StackItem>
            <Request item={item} />
          </StackItem>
          <StackItem>
            <Decisions item={item} />
          </StackItem>
        </Stack>
        {action && (
          <Decide
            item={item}
            action={action}
            onClose={() => setAction(null)}
            onDone={() => {
              setDone(action);
              setAction(null);
            }}
          />
        )}
      </PageSection>
    </>
  );
}

export default function Approvals() {
  const { id } = useParams();
  return id ? <One id={id} /> : <ApprovalList />;
}
