import { ActionGroup, Button, Card, CardBody, Checkbox, FileUpload, Form, FormSelect, FormSelectOption, PageSection, TextArea, TextInput } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import type { Words } from "../i18n/words";
import { count } from "../format";
import { Arrived } from "../parts/Arrived";
import { useStep } from "../parts/head";
import { Notice } from "../parts/Notice";
import { Title } from "../parts/Title";
import { type List, MAX_LINES, type Name, namesOf, readList, textOf } from "./lists";
import { Field } from "../parts/Field";
import { Files, Kind, type Order, passwordFault } from "./order";
import { Block, Trouble } from "./parts";
import { type Problem, useAsk, useCheck, useOffers } from "./queries";

const SHOWN = 100;
const MAX_FILE_BYTES = 4 * 1024 * 1024;

type Code = keyof Words["portal"]["many"]["problems"];
const CODES: Record<Code, true> = { empty: true, long: true, characters: true, twice: true, exists: true, request: true, member: true, renewal: true, other: true };

export function codeOf(code: string): Code {
  return Object.hasOwn(CODES, code) ? (code as Code) : "other";
}

export interface Checked {
  names: Name[];
  /** By place in names. */
  problems: Map<number, Code>;
}

export function checkedOf(names: Name[], problems: Problem[]): Checked {
  return { names, problems: new Map(problems.map((p) => [p.line - 1, codeOf(p.code)])) };
}

/** What stops a line; that there is a pass already is only worth knowing. */
export function badOf(c: Checked): number {
  return [...c.problems.values()].filter((code) => code !== "exists").length;
}

function Choose({ text, setText, onRead }: { text: string; setText: (t: string) => void; onRead: (list: List) => void }) {
  const { t, i18n } = useTranslation("portal");
  const [file, setFile] = useState("");
  const [fault, setFault] = useState<"unreadable" | "nothing" | null>(null);
  const take = async (chosen: File) => {
    setFile(chosen.name);
    const found = chosen.size <= MAX_FILE_BYTES ? textOf(new Uint8Array(await chosen.arrayBuffer())) : null;
    setFault(found === null ? "unreadable" : null);
    setText(found ?? "");
  };
  const go = () => {
    const list = readList(text);
    setFault(list ? null : "nothing");
    if (list) {
      onRead(list);
    }
  };
  return (
    <Form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        go();
      }}
    >
      {fault === "unreadable" && (
        <Notice variant="danger" title={t("many.unreadable")} role="alert">
          {t("many.unreadableText")}
        </Notice>
      )}
      {fault === "nothing" && <Notice variant="danger" title={t("many.nothing")} role="alert" />}
      <Field id="list-file" label={t("many.choose")} help={t("many.chooseText", { max: count(i18n.language, MAX_LINES) })}>
        <FileUpload
          id="list-file"
          value={file}
          filename={file}
          filenamePlaceholder={t("many.noFile")}
          filenameAriaLabel={t("many.choose")}
          browseButtonText={t("many.browse")}
          clearButtonText={t("many.clear")}
          hideDefaultPreview
          onFileInputChange={(_, chosen) => void take(chosen)}
          onClearClick={() => {
            setFile("");
            setText("");
            setFault(null);
          }}
        />
      </Field>
      <Field id="list-text" label={t("many.drop")}>
        <TextArea id="list-text" rows={8} resizeOrientation="vertical" value={text} onChange={(_, v) => setText(v)} />
      </Field>
      <ActionGroup>
        <Button type="submit" size="lg" isDisabled={!text.trim()}>
          {t("many.next")}
        </Button>
      </ActionGroup>
    </Form>
  );
}

function Preview({ checked }: { checked: Checked }) {
  const { t } = useTranslation("portal");
  // What is the matter stands first.
  const order = checked.names.map((_, i) => i).sort((a, b) => Number(checked.problems.has(b)) - Number(checked.problems.has(a)) || a - b);
  return (
    <>
      <Table variant="compact" aria-label={t("many.look")}>
        <Thead>
          <Tr>
            <Th>{t("many.line")}</Th>
            <Th>{t("many.name")}</Th>
            <Th>{t("many.problem")}</Th>
          </Tr>
        </Thead>
        <Tbody>
          {order.slice(0, SHOWN).map((i) => {
            const code = checked.problems.get(i);
            return (
              <Tr key={i}>
                <Td dataLabel={t("many.line")}>{checked.names[i]?.line}</Td>
                <Td dataLabel={t("many.name")} className="siegel-wrap">
                  {checked.names[i]?.name || "–"}
                </Td>
                <Td dataLabel={t("many.problem")}>{code ? t(`many.problems.${code}`) : t("many.ok")}</Td>
              </Tr>
            );
          })}
        </Tbody>
      </Table>
      {checked.names.length > SHOWN && <p>{t("many.more", { n: checked.names.length - SHOWN })}</p>}
    </>
  );
}

function Look({ list, onBack, onGood }: { list: List; onBack: () => void; onGood: (names: string[]) => void }) {
  const { t, i18n } = useTranslation("portal");
  const [heading, setHeading] = useState(list.heading);
  const [column, setColumn] = useState(list.column);
  const [checked, setChecked] = useState<Checked | null>(null);
  const check = useCheck();
  const names = namesOf(list, heading, column);
  const tooMany = names.length > MAX_LINES;
  const bad = checked ? badOf(checked) : 0;
  const known = checked ? checked.problems.size - bad : 0;
  const number = (n: number) => count(i18n.language, n);
  const look = () => check.mutate(names.map((n) => n.name), { onSuccess: (problems) => setChecked(checkedOf(names, problems)) });
  const good = () => {
    const taken = (checked?.names ?? []).filter((_, i) => !checked?.problems.has(i) || checked.problems.get(i) === "exists");
    onGood(taken.map((n) => n.name));
  };
  const change = (edit: () => void) => {
    edit();
    setChecked(null);
  };
  return (
    <>
      <Trouble error={check.error} />
      {tooMany && (
        <Notice variant="danger" title={t("many.tooMany", { n: number(names.length), max: number(MAX_LINES) })} role="alert">
          {t("many.tooManyText")}
        </Notice>
      )}
      <Block title={t("many.read", { n: number(names.length) })}>
        <Form
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            look();
          }}
        >
          <Checkbox id="heading" label={t("many.header")} isChecked={heading} onChange={(_, v) => change(() => setHeading(v))} />
          {list.columns > 1 && (
            <Field id="column" label={t("many.column")}>
              <FormSelect id="column" value={String(column)} onChange={(_, v) => change(() => setColumn(Number(v)))}>
                {[...Array(list.columns).keys()].map((i) => (
                  <FormSelectOption key={i} value={String(i)} label={`${i + 1}: ${list.rows[0]?.cells[i] ?? ""}`} />
                ))}
              </FormSelect>
            </Field>
          )}
          {!checked && (
            <ActionGroup>
              <Button type="submit" size="lg" isLoading={check.isPending} isDisabled={check.isPending || tooMany || names.length === 0}>
                {t("many.check")}
              </Button>
              <Button variant="link" size="lg" onClick={onBack}>
                {t("many.back")}
              </Button>
            </ActionGroup>
          )}
        </Form>
      </Block>
      {checked && (
        <Block title={t("many.look")} id="checked">
          <Arrived>
            <Notice variant={bad ? "warning" : "success"} title={t("many.good", { n: number(checked.names.length - bad) })}>
              {bad > 0 && <p>{t("many.bad", { n: number(bad) })}</p>}
              {known > 0 && <p>{t("many.warned", { n: number(known) })}</p>}
              {bad > 0 && <p>{t("many.correct")}</p>}
            </Notice>
          </Arrived>
          <Preview checked={checked} />
          <div className="siegel-actions">
            <Button size="lg" isDisabled={bad === checked.names.length} onClick={good}>
              {bad > 0 ? t("many.without", { n: number(bad) }) : t("many.next")}
            </Button>
            <Button variant="link" size="lg" onClick={onBack}>
              {t("many.back")}
            </Button>
          </div>
        </Block>
      )}
    </>
  );
}

function Wanted({ names, onBack }: { names: string[]; onBack: () => void }) {
  const { t, i18n } = useTranslation("portal");
  const navigate = useNavigate();
  const offers = useOffers();
  const ask = useAsk();
  const [o, setOrder] = useState<Order>({ profile: "", p12: true, password: "" });
  const [label, setLabel] = useState("");
  const [tried, setTried] = useState(false);
  const choice = offers.data ?? [];
  const profile = o.profile || choice[0]?.attributes.name || "";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!passwordFault(o)) {
      ask.mutate(
        { title: label.trim(), profile, format: o.p12 ? "pkcs12" : "pem", ...(o.p12 ? { password: o.password } : {}), lines: names },
        { onSuccess: (id) => void navigate(`/asked/${id}`) },
      );
    }
  };
  return (
    <Card>
      <CardBody>
        <Form onSubmit={submit} noValidate>
          <Trouble error={offers.error ?? ask.error} />
          {offers.data && choice.length === 0 && (
            <Notice variant="warning" title={t("one.noOffers")}>
              {t("one.noOffersText")}
            </Notice>
          )}
          <Field id="label" label={t("many.label")} help={t("many.labelHelp")}>
            <TextInput id="label" value={label} maxLength={100} aria-describedby="label-help" onChange={(_, v) => setLabel(v)} />
          </Field>
          <Kind offers={choice} value={profile} onChange={(v) => setOrder({ ...o, profile: v })} />
          <Files order={o} onChange={(change) => setOrder({ ...o, ...change })} tried={tried} />
          <ActionGroup>
            <Button type="submit" size="lg" isLoading={ask.isPending} isDisabled={ask.isPending || !profile}>
              {t("many.submit", { n: count(i18n.language, names.length) })}
            </Button>
            <Button variant="link" size="lg" onClick={onBack}>
              {t("many.back")}
            </Button>
          </ActionGroup>
        </Form>
      </CardBody>
    </Card>
  );
}

export default function Many() {
  const { t } = useTranslation("portal");
  const [text, setText] = useState("");
  const [list, setList] = useState<List | null>(null);
  const [names, setNames] = useState<string[] | null>(null);
  const step = names ? 3 : list ? 2 : 1;
  const where = useStep(step);
  return (
    <>
      <Title title={t("many.title")} subtitle={t("many.subtitle")} />
      <PageSection>
        <p ref={where} tabIndex={-1} className="siegel-steps siegel-arrived" aria-live="polite">
          {t("many.step", { n: step })}: {t(step === 1 ? "many.choose" : step === 2 ? "many.look" : "many.order")}
        </p>
        {step === 1 && (
          <Card>
            <CardBody>
              <Choose text={text} setText={setText} onRead={setList} />
            </CardBody>
          </Card>
        )}
        {step === 2 && list && <Look list={list} onBack={() => setList(null)} onGood={setNames} />}
        {step === 3 && names && <Wanted names={names} onBack={() => setNames(null)} />}
      </PageSection>
    </>
  );
}
