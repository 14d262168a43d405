import { Button, EmptyState, EmptyStateBody, PageSection, Skeleton } from "@patternfly/react-core";
import HourglassHalfIcon from "@patternfly/react-icons/dist/esm/icons/hourglass-half-icon";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { count, date, instant } from "../format";
import { germanReason, useRuleSays } from "../i18n/say";
import { Notice } from "../parts/Notice";
import { Pages } from "../parts/Pages";
import { Title } from "../parts/Title";
import { Block, Trouble } from "./parts";
import { type Approval, type Thing, useApprovals, useBatches, useOpen, useWithdraw } from "./queries";

function useName() {
  const { t } = useTranslation("portal");
  return (a: Approval) =>
    a.operation === "certificate.issue" || a.operation === "certificate.renew"
      ? t("waiting.what.issue", { name: a.body?.subject?.CN?.[0] ?? t("waiting.nameless") })
      : t(a.operation === "certificate.revoke" ? "waiting.what.revoke" : "waiting.what.other");
}

function Open({ one }: { one: Thing<Approval> }) {
  const { t, i18n } = useTranslation("portal");
  const a = one.attributes;
  const withdraw = useWithdraw();
  const says = useRuleSays();
  const nameOf = useName();
  return (
    <li>
      <div className="siegel-row">
        <strong>{nameOf(a)}</strong>
        <Button variant="secondary" isLoading={withdraw.isPending} isDisabled={withdraw.isPending} onClick={() => withdraw.mutate(one.id)} aria-label={`${t("waiting.withdraw")}: ${nameOf(a)}`}>
          {t("waiting.withdraw")}
        </Button>
        <small>{t("waiting.since", { date: instant(i18n.language, a.created_at) })}</small>
        {a.deciders?.length > 0 && <small>{t("waiting.forWhom", { who: a.deciders.join(", ") })}</small>}
        {a.deciders?.length > 1 && <small>{t("waiting.count", { n: count(i18n.language, a.wanted) })}</small>}
        {a.reason && <small>{t("waiting.why", { reason: says({ message: a.reason, message_de: germanReason(a) }) })}</small>}
        <small>{t("waiting.until", { date: date(i18n.language, a.expires_at) })}</small>
        <Trouble error={withdraw.error} />
      </div>
    </li>
  );
}

function Decided({ one }: { one: Thing<Approval> }) {
  const { t, i18n } = useTranslation("portal");
  const a = one.attributes;
  const nameOf = useName();
  return (
    <li>
      <div className="siegel-row">
        <strong>{nameOf(a)}</strong>
        <span>{t(`waiting.outcomes.${a.status}`)}</span>
        <small>{instant(i18n.language, a.decided_at ?? a.created_at)}</small>
        {a.decisions.map((d) => (
          <small key={d.account}>{d.comment ? t("waiting.by", { who: d.account, comment: d.comment }) : t("waiting.byPlain", { who: d.account })}</small>
        ))}
        {a.status === "rejected" && a.decisions.every((d) => !d.comment) && <small>{t("waiting.noReason")}</small>}
      </div>
    </li>
  );
}

export default function Waits() {
  const { t, i18n } = useTranslation("portal");
  const { t: base } = useTranslation();
  const waiting = useOpen();
  const { found: approvals, rows: newest, turn } = useApprovals();
  const { found: batches, rows: asked, turn: turnAsked } = useBatches();
  const names = { previous: t("devices.previous"), next: t("devices.next") };
  const open = waiting.data ?? [];
  const decided = newest.filter((a) => a.attributes.status !== "open");
  const pending = waiting.isPending || approvals.isPending || batches.isPending;
  return (
    <>
      <Title title={t("waiting.title")} subtitle={t("waiting.subtitle")} />
      <PageSection>
        <Trouble error={waiting.error ?? approvals.error ?? batches.error} />
        {pending && <Skeleton height="12rem" screenreaderText={base("app.loading")} />}
        {waiting.data && approvals.data && batches.data && open.length + newest.length + asked.length === 0 && (
          <EmptyState titleText={t("waiting.none")} headingLevel="h2" icon={HourglassHalfIcon}>
            <EmptyStateBody>{t("waiting.noneText")}</EmptyStateBody>
          </EmptyState>
        )}
        {waiting.data && asked.length > 0 && open.length === 0 && <Notice variant="success" title={t("waiting.none")} />}
        {open.length > 0 && (
          <Block title={t("waiting.open")}>
            <ul className="siegel-devices">
              {open.map((one) => (
                <Open key={one.id} one={one} />
              ))}
            </ul>
          </Block>
        )}
        {(decided.length > 0 || turn.previous || turn.next) && (
          <Block title={t("waiting.decided")}>
            <ul className="siegel-devices">
              {decided.map((one) => (
                <Decided key={one.id} one={one} />
              ))}
            </ul>
            <Pages turn={turn} names={names} />
          </Block>
        )}
        {asked.length > 0 && (
          <Block title={t("waiting.orders")}>
            <ul className="siegel-devices">
              {asked.map((b) => (
                <li key={b.id}>
                  <Link to={`/asked/${b.id}`}>
                    <strong>{b.attributes.title || t("batch.untitled", { n: count(i18n.language, b.attributes.total) })}</strong>
                    <span>{t("batch.progress", { done: count(i18n.language, b.attributes.done), total: count(i18n.language, b.attributes.total) })}</span>
                    <small>{instant(i18n.language, b.attributes.created_at)}</small>
                  </Link>
                </li>
              ))}
            </ul>
            <Pages turn={turnAsked} names={names} />
          </Block>
        )}
      </PageSection>
    </>
  );
}
