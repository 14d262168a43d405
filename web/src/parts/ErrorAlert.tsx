import { Content } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { ApiError, type ErrorObject } from "../api/client";
import type { Words } from "../i18n/words";
import { type Said, useSaid } from "../i18n/say";
import { useFault } from "./head";
import { Notice } from "./Notice";

type Way = keyof Words["base"]["error"]["way"];

const WAYS: Record<Way, true> = {
  bad_value: true, bad_csr: true, bad_key: true, policy: true, unsupported: true, unauthenticated: true, forbidden: true, not_found: true, conflict: true,
  precondition_failed: true, too_many_requests: true, unavailable: true, key_store_unavailable: true, store_unavailable: true, internal: true, other: true,
};

/** What to do about an error of that code. */
export function wayOf(code: string | undefined): Way {
  const same: Record<string, Way> = { busy: "unavailable", idempotency_conflict: "conflict", too_large: "bad_value", malformed: "bad_value" };
  const way = code && Object.hasOwn(same, code) ? same[code] : code;
  return way && Object.hasOwn(WAYS, way) ? (way as Way) : "other";
}

/** The field of an error, in the words of the form that shows it; of a list the place in it, counted from one. */
export function fieldOf(error: ErrorObject, labels: Record<string, string>): string | null {
  const parts = error.source?.pointer?.split("/") ?? [];
  const last = parts.at(-1) ?? error.source?.parameter ?? error.source?.header;
  const list = parts.at(-2) ?? "";
  if (last && /^\d+$/.test(last) && list && list !== "attributes") {
    return `${labels[list] ?? list}, ${Number(last) + 1}`;
  }
  return last ? (labels[last] ?? last) : null;
}

/** The text with the form's word in the place of the attribute's name that it begins with: of cert_days nobody knows who has "Valid for days" before him. */
export function named(text: string, labels: Record<string, string>): string {
  const [, name = "", rest = ""] = /^([a-z][a-z0-9_]*)((?:: | ).*)$/s.exec(text) ?? [];
  const label = Object.hasOwn(labels, name) ? labels[name] : undefined;
  // A word of the language that is an attribute's name, too, is one where a colon follows, or where it can be nothing else.
  return label && (rest.startsWith(": ") || name.includes("_")) ? `${label}: ${rest.replace(/^:? /, "")}` : text;
}

/** The cause in the reader's language; where nobody translated it, in English and marked so. */
export function Cause({ said }: { said: Said | null }) {
  return (
    said && (
      <span className="siegel-cause" lang={said.lang}>
        {said.text}
        {said.reason && <small className="siegel-reason"> {said.reason}</small>}
      </span>
    )
  );
}

/** What went wrong: cause, field and way out. labels: what the form calls its fields. */
export function ErrorAlert({ error, labels = {} }: { error: unknown; labels?: Record<string, string> }) {
  const { t } = useTranslation();
  const said = useSaid(error instanceof ApiError ? (error.first ?? { detail: error.message }) : undefined);
  const here = useFault(Boolean(error));
  if (!error) {
    return null;
  }
  if (!(error instanceof ApiError)) {
    return (
      <div ref={here} tabIndex={-1} className="siegel-arrived">
        <Notice variant="danger" title={t("error.unreachable")} className="siegel-error" role="alert">
          {t("error.unreachableWay")}
        </Notice>
      </div>
    );
  }
  const first: ErrorObject = error.first ?? {};
  // What the session lacks is no field, and nobody's right to give.
  const lacks = first.source?.header === "Cookie";
  const field = lacks ? null : fieldOf(first, labels);
  return (
    <div ref={here} tabIndex={-1} className="siegel-arrived">
      <Notice variant="danger" title={t("error.title")} className="siegel-error" role="alert">
        <Content component="p">
          <Cause said={said && { ...said, text: named(said.text, labels) }} />
        </Content>
        {field && <Content component="p">{t("error.where", { field })}</Content>}
        {!lacks && <Content component="p">{t(`error.way.${wayOf(first.code)}`, { seconds: error.retryAfter ?? 1 })}</Content>}
        {first.id && <Content component="small">{t("error.id", { id: first.id })}</Content>}
      </Notice>
    </div>
  );
}
