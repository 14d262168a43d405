// What the portal's screens share.
import { Button, Card, CardBody, CardTitle, Content, Label } from "@patternfly/react-core";
import { type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ApiError } from "../api/client";
import { stateOf } from "../format";
import { useSaid } from "../i18n/say";
import { named } from "../parts/ErrorAlert";
import { useFault } from "../parts/head";
import { Notice } from "../parts/Notice";
import type { Pass } from "./queries";

export type PassState = "good" | "soon" | "lost" | "paused" | "over" | "early";
const SOON_MS = 30 * 86_400_000;

/** What a pass is to those who look after the device. */
export function passState(a: Pick<Pass, "status" | "not_before" | "not_after">, now = Date.now()): PassState {
  const state = stateOf(a, now);
  if (state === "issued") {
    return Date.parse(a.not_after) < now + SOON_MS ? "soon" : "good";
  }
  return ({ revoked: "lost", held: "paused", expired: "over", notYet: "early" } as const)[state];
}

const LOOK = { good: "success", soon: "warning", lost: "danger", paused: "warning", over: "warning", early: "info" } as const;

export function PassLabel({ pass }: { pass: Pass }) {
  const { t } = useTranslation("portal");
  const state = passState(pass);
  return <Label status={LOOK[state]}>{t(`state.${state}`)}</Label>;
}

/** What an error is to somebody who doesn't know a PKI: [what, what to do]. */
export type Way = "notFound" | "forbidden" | "conflict" | "rule" | "value" | "other";

export function wayOf(error: ApiError): Way {
  const code = error.first?.code;
  if (error.status === 404) {
    return "notFound";
  }
  if (code === "policy") {
    return "rule";
  }
  return error.status === 403 ? "forbidden" : error.status === 409 || error.status === 412 ? "conflict" : error.status === 422 ? "value" : "other";
}

const WAY_OUT = {
  notFound: "fault.notFoundWay", forbidden: "fault.forbiddenWay", conflict: "fault.conflictWay", value: "fault.valueWay", rule: "fault.ruleWay", other: "fault.way",
} as const;

/** What went wrong, in plain words; what the server says of it stands below where it helps to change something. */
export function Trouble({ error }: { error: unknown }) {
  const { t } = useTranslation("portal");
  const said = useSaid(error instanceof ApiError ? (error.first ?? { detail: error.message }) : undefined);
  const here = useFault(Boolean(error));
  if (!error) {
    return null;
  }
  if (!(error instanceof ApiError)) {
    return (
      <div ref={here} tabIndex={-1} className="siegel-arrived">
        <Notice variant="danger" title={t("fault.unreachable")} role="alert" className="siegel-error">
          {t("fault.unreachableWay")}
        </Notice>
      </div>
    );
  }
  const way = wayOf(error);
  const title = { notFound: "fault.notFound", forbidden: "fault.forbidden", conflict: "fault.conflict", rule: "fault.rule", value: "fault.value", other: "fault.title" } as const;
  const number = error.first?.id ?? "–";
  return (
    <div ref={here} tabIndex={-1} className="siegel-arrived">
      <Notice variant="danger" title={t(title[way])} role="alert" className="siegel-error">
        {(way === "rule" || way === "value" || way === "conflict") && (
          <Content component="p" lang={said?.lang}>
            {said && named(said.text, { title: t("one.name"), name: t("one.name"), password: t("one.password"), csr: t("one.file") })} {said?.reason && <small className="siegel-reason">{said.reason}</small>}
          </Content>
        )}
        <Content component="p">
          {t(WAY_OUT[way], { id: number })}
        </Content>
      </Notice>
    </div>
  );
}

/** A link that looks like a button. */
export function Go({ to, children, variant = "primary" }: { to: string; children: ReactNode; variant?: "primary" | "secondary" | "link" }) {
  return (
    <Button size="lg" variant={variant} component={(props: object) => <Link {...props} to={to} />}>
      {children}
    </Button>
  );
}

export function Block({ title, children, id }: { title: string; children: ReactNode; id?: string }) {
  return (
    <Card className="siegel-block" id={id}>
      <CardTitle component="h2">{title}</CardTitle>
      <CardBody>{children}</CardBody>
    </Card>
  );
}
