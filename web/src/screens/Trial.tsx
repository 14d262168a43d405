// A sample request, and what would become of it: at once, with every change of the sample, of the profile or of the policy.
import { Card, CardBody, CardTitle, Content, Grid, Label, Spinner } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client";
import { useAll } from "../api/hooks";
import { type Item, send, text } from "../api/rest";
import { instant } from "../format";
import { useRuleSays } from "../i18n/say";
import { keyTypeTitle } from "../keytypes";
import { ErrorAlert } from "../parts/ErrorAlert";
import { AreaField, Fact, Facts, SelectField, TextField, useTold } from "../parts/kit";
import { Notice } from "../parts/Notice";
import { requestOfText } from "../parts/request";
import { usesOf } from "./uses";
import { attributesOfSample, decidedBy, EMPTY_SAMPLE, inOrder, memberOf, outcomeOf, type RuleSaid, type Sample, type Verdict, wantedParts } from "./evaluation";

/** The value as it is once nobody has changed it for a moment. */
function useCalm<T>(value: T, ms = 350): T {
  const [calm, setCalm] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setCalm(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return calm;
}

const LOOK = { issued: "success", refused: "danger", approval: "warning" } as const;

/** What the form calls the members of a request. */
function sampleLabels(t: TFunction<"rules">): Record<string, string> {
  return {
    csr: t("sampleCsr"), names: t("sampleNames"), days: t("sampleDays"), not_after: t("sampleDays"), key_type: t("sampleKey"), ca: t("sampleCa"), subject: t("subject"), CN: t("sampleCn"), O: t("sampleO"),
  };
}

function Rules({ rules, label }: { rules: RuleSaid[]; label: string }) {
  const { t } = useTranslation("rules");
  const says = useRuleSays();
  const look = { refused: "danger", approval: "warning", set: "info", holds: "success", has_value: "success" } as const;
  return (
    <Table aria-label={label} variant="compact" gridBreakPoint="grid-2xl">
      <Thead>
        <Tr>
          <Th>{t("policy")}</Th>
          <Th>{t("rule")}</Th>
          <Th>{t("says")}</Th>
          <Th>{t("why")}</Th>
        </Tr>
      </Thead>
      <Tbody>
        {inOrder(rules).map((r) => (
          <Tr key={`${r.policy ?? ""}-${r.place}-${r.rule}`}>
            <Td dataLabel={t("policy")}>{r.policy ?? "–"}</Td>
            <Td dataLabel={t("rule")}>{r.rule}</Td>
            <Td dataLabel={t("says")}>
              <Label status={Object.hasOwn(look, r.outcome) ? look[r.outcome as keyof typeof look] : undefined}>{t(`outcomes.${r.outcome}`)}</Label>
            </Td>
            <Td dataLabel={t("why")} modifier="breakWord">
              {[says(r), r.set?.length ? t("sets", { what: r.set.join(", ") }) : "", r.unknown?.length ? t("unknown", { what: r.unknown.join(", ") }) : ""]
                .filter(Boolean)
                .join(" · ") || "–"}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

function Result({ verdict }: { verdict: Verdict }) {
  const { t, i18n } = useTranslation("rules");
  const says = useRuleSays();
  const decided = decidedBy(verdict);
  const why = useTold(verdict.error?.detail);
  const c = verdict.certificate;
  const when = (seconds: number) => (seconds > 253_000_000_000 ? t("noEnd") : instant(i18n.language, new Date(seconds * 1000).toISOString()));
  return (
    <div className="siegel-verdict" data-outcome={verdict.outcome}>
      <Notice variant={LOOK[verdict.outcome]} title={t(`verdict.${verdict.outcome}`)}>
        {decided.by === "profile" && (
          <>
            <Content component="p">{t("byProfile")}</Content>
            <Content component="p">{why}</Content>
            {verdict.error?.pointer && <Content component="p">{t("about", { what: sampleLabels(t)[memberOf(verdict.error.pointer).split("/")[0] ?? ""] ?? verdict.error.pointer })}</Content>}
          </>
        )}
        {decided.by === "policy" &&
          decided.rules.map((r) => (
            <Content key={`${r.policy ?? ""}-${r.place}`} component="p">
              {t("byRule", { policy: r.policy, rule: r.rule })}: {says(r)}
            </Content>
          ))}
      </Notice>
      {c && (
        <Facts>
          <Fact name={t("subject")}>{c.subject}</Fact>
          <Fact name={t("names")}>{c.names.join(", ")}</Fact>
          <Fact name={t("issuer")}>{c.issuer}</Fact>
          <Fact name={t("keyType")}>{keyTypeTitle(c.key_type)}</Fact>
          <Fact name={t("notAfter")}>
            {when(c.not_after)} ({t(`validityRules.${c.validity_rule as "as requested"}`, { defaultValue: c.validity_rule })})
          </Fact>
          <Fact name={t("usage")}>{usesOf(c.key_usage, c.extended_key_usage, i18n.language).join(", ")}</Fact>
          {c.owner && <Fact name={t("owner")}>{c.owner}</Fact>}
        </Facts>
      )}
      {verdict.rules.length > 0 && <Rules rules={verdict.rules} label={t("rulesInForce")} />}
    </div>
  );
}

export interface PolicyDraft {
  id: string | null;
  attributes: Record<string, unknown>;
}

interface TrialProps {
  /** Without one: a profile of that kind that isn't stored. */
  profile?: Item;
  kind?: string;
  /** The profile as it is edited. */
  definition?: unknown;
  /** A policy as it is edited. */
  draft?: PolicyDraft;
  /** What the server finds wrong with what is edited, which is told at its field. */
  onFault?: (error: ApiError | null) => void;
}

/** What the server says of the sample, and of the draft of a policy on it. */
function useVerdict(sample: Sample, { profile, kind, definition, draft, onFault }: TrialProps) {
  const wanted = useCalm(JSON.stringify({ ...attributesOfSample(sample, definition), ...(profile ? {} : { kind }) }));
  const wantedDraft = useCalm(draft ? JSON.stringify(draft) : "");
  const verdict = useQuery({
    queryKey: ["trial", profile?.id ?? "new", wanted],
    retry: false,
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const done = await send({ path: profile ? `/profiles/${profile.id}/evaluate` : "/profiles/evaluate", type: "evaluate", attributes: JSON.parse(wanted) as Record<string, unknown> });
      return done.item?.attributes as unknown as Verdict;
    },
  });
  const document = verdict.isPlaceholderData ? undefined : verdict.data?.document;
  const asked = document ? JSON.stringify(document) : "";
  const own = useQuery({
    queryKey: ["trial-policy", asked, wantedDraft],
    retry: false,
    enabled: wantedDraft !== "" && asked !== "",
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const tried = JSON.parse(wantedDraft) as PolicyDraft;
      const done = await send({ path: tried.id ? `/policies/${tried.id}/evaluate` : "/policies/evaluate", type: "evaluate", attributes: { ...tried.attributes, document: JSON.parse(asked) as unknown } });
      return (done.item?.attributes.rules ?? []) as RuleSaid[];
    },
  });
  const told = useRef(onFault);
  told.current = onFault;
  const fault = draft ? own.error : verdict.error;
  useEffect(() => told.current?.(fault instanceof ApiError ? fault : null), [fault]);
  return { verdict, own };
}

function SampleFields({ sample, set, profile, definition }: { sample: Sample; set: (change: Partial<Sample>) => void } & Pick<TrialProps, "profile" | "definition">) {
  const { t } = useTranslation("rules");
  const cas = useAll("/cas");
  const held = definition ?? profile?.attributes.definition;
  const taken = (held as { keys?: unknown } | null | undefined)?.keys;
  const keys = (Array.isArray(taken) ? taken : []).filter((k): k is string => typeof k === "string" && /^[a-z0-9-]+$/.test(k));
  const ofCsr = sample.csr.trim() ? t("ofCsr") : undefined;
  const [secret, setSecret] = useState(false);
  const setCsr = (typed: string) => {
    const { text: csr, fault } = requestOfText(typed);
    setSecret(fault === "secret");
    set({ csr });
  };
  const active = (cas.data ?? []).filter((ca) => text(ca, "status") === "active").map((ca) => ({ value: text(ca, "name"), label: text(ca, "name") }));
  return (
    <Grid hasGutter md={6} xl={12}>
      <TextField label={t("sampleCn")} value={sample.cn} onChange={(cn) => set({ cn })} help={ofCsr} />
      <TextField label={t("sampleO")} value={sample.o} onChange={(o) => set({ o })} />
      {wantedParts(held).map((type) => (
        <TextField key={type} label={t("samplePart", { type })} value={sample.more[type] ?? ""} onChange={(value) => set({ more: { ...sample.more, [type]: value } })} help={ofCsr} />
      ))}
      <AreaField label={t("sampleNames")} help={t("sampleNamesHelp")} value={sample.names} rows={2} onChange={(names) => set({ names })} />
      <TextField label={t("sampleDays")} type="number" min={1} value={sample.days} onChange={(days) => set({ days })} help={t("sampleDaysHelp")} />
      <SelectField label={t("sampleCa")} value={sample.ca} onChange={(ca) => set({ ca })} choices={[{ value: "", label: t("defaultCa") }, ...active]} />
      <SelectField label={t("sampleKey")} value={sample.keyType} onChange={(keyType) => set({ keyType })} help={ofCsr} choices={[{ value: "", label: t("profiles") }, ...keys.map((k) => ({ value: k, label: keyTypeTitle(k) }))]} />
      <AreaField label={t("sampleCsr")} help={t("sampleCsrHelp")} mono rows={3} value={sample.csr} onChange={setCsr} error={secret ? t("sampleSecret") : undefined} />
    </Grid>
  );
}

export function Trial(props: TrialProps) {
  const { t } = useTranslation("rules");
  const [sample, setSample] = useState<Sample>(EMPTY_SAMPLE);
  const { verdict, own } = useVerdict(sample, props);
  const outcome = own.data ? outcomeOf(own.data) : null;
  // What is wrong with what is edited stands at its field; that there is something is said here.
  const ownFault = own.error instanceof ApiError && own.error.status === 422 ? null : own.error;
  const atField = Boolean(props.onFault) && verdict.error instanceof ApiError && verdict.error.errors.some((one) => memberOf(one.source?.pointer).startsWith("definition"));
  return (
    <Card>
      <CardTitle component="h2">{t("trial")}</CardTitle>
      <CardBody>
        <Content component="p">{t("trialText")}</Content>
        <form onSubmit={(event) => event.preventDefault()} aria-label={t("sample")} className="pf-v6-c-form">
          <SampleFields sample={sample} set={(change) => setSample({ ...sample, ...change })} profile={props.profile} definition={props.definition} />
        </form>
        <div aria-live="polite" aria-busy={verdict.isFetching} className="siegel-tab">
          {verdict.isPending && <Spinner aria-label={t("loading")} />}
          {atField ? <Notice variant="warning" title={t("seeField")} /> : <ErrorAlert error={verdict.error} labels={sampleLabels(t)} />}
          {verdict.data && !verdict.error && <Result verdict={verdict.data} />}
          <ErrorAlert error={ownFault} />
          {own.data && !own.error && outcome && verdict.data?.document && (
            <div className="siegel-verdict-policy" data-outcome={outcome}>
              <Notice variant={LOOK[outcome]} title={t(`policyVerdict.${outcome}`)} />
              <Rules rules={own.data} label={t("rulesTried")} />
            </div>
          )}
        </div>
      </CardBody>
    </Card>
  );
}
