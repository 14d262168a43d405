// A condition of a policy: attribute, comparison and value a line; what the lines can't say stays a path, to be typed.
import { Button, FormSelect, FormSelectOption, Split, SplitItem, TextArea, TextInput } from "@patternfly/react-core";
import { useState } from "react";
import { STRUCTURES } from "../api/structures.gen";
import { attributesOf, type Condition, type How, howsOf, type Kind, kindFor, printCondition, readCondition, type Term, termFault } from "./condition";
import { Row, type RowProps } from "./Row";
import type { Schema } from "./schema";
import type { Speaker } from "./words";

const DOCUMENT = STRUCTURES.policy_document;
const ATTRIBUTES = attributesOf(DOCUMENT);
const OPERATORS = DOCUMENT["x-siegel-operators"] ?? {};

/** Names of things of the tenant, by their resource. */
export type Known = Readonly<Record<string, readonly string[]>>;

const attributeOf = (of: string) => ATTRIBUTES.find((one) => one.name === of || (one.name.endsWith(".") && of.startsWith(one.name)));

function freshTerm(of: string): Term {
  const kind = kindFor(DOCUMENT, of) ?? "string";
  const schema = attributeOf(of)?.schema;
  const how = howsOf(kind, OPERATORS)[kind === "integer" ? 2 : 0] ?? "is";
  return { of, how, value: kind === "boolean" ? "true" : (schema?.enum?.[0] ?? "") };
}

function choicesOf(schema: Schema | undefined, kind: Kind, known: Known): readonly string[] {
  const resource = schema?.["x-siegel-resource"];
  return kind === "boolean" ? ["true", "false"] : (schema?.enum ?? schema?.["x-siegel-values"] ?? (resource ? (known[resource] ?? []) : []));
}

interface TermProps {
  term: Term;
  label: string;
  id: string;
  known: Known;
  words: Speaker;
  onChange: (term: Term) => void;
  onRemove: () => void;
}

function ValueInput({ term, label, id, known, words, onChange }: TermProps) {
  const kind = kindFor(DOCUMENT, term.of) ?? "string";
  const choices = choicesOf(attributeOf(term.of)?.schema, kind, known);
  const name = `${label}: ${words.t("condition.value")}`;
  const set = (value: string) => onChange({ ...term, value });
  if (term.how === "exists" || term.how === "missing") {
    return null;
  }
  if (term.how === "oneOf" || term.how === "eachWithin") {
    return <TextArea id={id} aria-label={name} placeholder={words.t(term.how === "oneOf" ? "screen.onePerLine" : "condition.domains")} rows={2} resizeOrientation="vertical" value={term.value} onChange={(_, value) => set(value)} />;
  }
  if (choices.length > 0 && (term.how === "is" || term.how === "isnt")) {
    return (
      <FormSelect id={id} aria-label={name} value={term.value} onChange={(_, value) => set(value)}>
        {(choices.includes(term.value) ? choices : [term.value, ...choices]).map((one) => (
          <FormSelectOption key={one} value={one} label={words.value(term.of, one) === one ? one : `${words.value(term.of, one)} (${one})`} />
        ))}
      </FormSelect>
    );
  }
  const number = kind === "integer" || term.how === "countMost" || term.how === "countLeast";
  return <TextInput id={id} aria-label={name} inputMode={number ? "numeric" : undefined} placeholder={kind === "names" && !number ? "dns:" : undefined} value={term.value} onChange={(_, value) => set(value)} />;
}

function TermRow(props: TermProps) {
  const { term, label, words, onChange, onRemove } = props;
  const attribute = attributeOf(term.of);
  const kind = attribute?.kind ?? "string";
  const fault = termFault(term, DOCUMENT);
  return (
    <li className="siegel-term-row">
      <FormSelect aria-label={`${label}: ${words.t("condition.attribute")}`} value={attribute?.name ?? ""} onChange={(_, of) => onChange(freshTerm(of))}>
        {ATTRIBUTES.map((one) => (
          <FormSelectOption key={one.name} value={one.name} label={words.value("attribute", one.name.startsWith("subject.") ? one.name.slice(8) : one.name)} />
        ))}
      </FormSelect>
      {attribute?.name.endsWith(".") && (
        <TextInput
          aria-label={`${label}: ${words.t("screen.key")}`} placeholder={words.t("screen.key")} value={term.of.slice(attribute.name.length)}
          onChange={(_, key) => onChange({ ...term, of: `${attribute.name}${key}` })}
        />
      )}
      <FormSelect aria-label={`${label}: ${words.t("condition.how")}`} value={term.how} onChange={(_, how) => onChange({ ...term, how: how as How })}>
        {howsOf(kind, OPERATORS).map((how) => (
          <FormSelectOption key={how} value={how} label={words.t(`hows.${how}`)} />
        ))}
      </FormSelect>
      <ValueInput {...props} />
      <Button variant="plain" aria-label={words.t("screen.remove", { name: label })} onClick={onRemove}>
        <span aria-hidden="true">✕</span>
      </Button>
      {fault && <p className="siegel-fault">{words.t(`condition.faults.${fault}`)}</p>}
    </li>
  );
}

interface Props extends RowProps {
  path: string;
  onChange: (path: string) => void;
  known: Known;
  words: Speaker;
}

export function ConditionField({ id, label, help, fault, required, path, onChange, known, words }: Props) {
  const [draft, setDraft] = useState<{ path: string; condition: Condition } | null>(null);
  const [asPath, setAsPath] = useState(false);
  const condition = draft?.path === path ? draft.condition : readCondition(path, DOCUMENT);
  const set = (next: Condition) => {
    const printed = printCondition(next, DOCUMENT);
    setDraft({ path: printed, condition: next });
    onChange(printed);
  };
  if (asPath || !condition) {
    return (
      <Row id={id} label={label} required={required} fault={fault} help={words.t(condition ? "condition.pathHelp" : "condition.onlyPath")}>
        <TextArea id={id} className="siegel-mono" rows={2} resizeOrientation="vertical" spellCheck={false} value={path} validated={fault ? "error" : "default"} aria-describedby={`${id}-help`} onChange={(_, typed) => onChange(typed)} />
        {condition && (
          <Button variant="link" isInline onClick={() => setAsPath(false)}>
            {words.t("condition.asTerms")}
          </Button>
        )}
      </Row>
    );
  }
  const change = (i: number, term: Term) => set({ ...condition, terms: condition.terms.map((one, k) => (k === i ? term : one)) });
  return (
    <Row id={id} label={label} help={help} fault={fault} required={required} group>
      {condition.terms.length > 1 && (
        <FormSelect id={`${id}-join`} className="siegel-adder" aria-label={`${label}: ${words.t("condition.join")}`} value={condition.join} onChange={(_, join) => set({ ...condition, join: join as Condition["join"] })}>
          <FormSelectOption value="all" label={words.t("condition.all")} />
          <FormSelectOption value="any" label={words.t("condition.any")} />
        </FormSelect>
      )}
      {condition.terms.length > 0 && (
        <ul className="siegel-terms" aria-label={label}>
          {condition.terms.map((term, i) => (
            <TermRow
              key={i} id={`${id}-${i}`} term={term} label={`${label} ${i + 1}`} known={known} words={words} onChange={(to) => change(i, to)}
              onRemove={() => set({ ...condition, terms: condition.terms.filter((_, k) => k !== i) })}
            />
          ))}
        </ul>
      )}
      <Split hasGutter>
        <SplitItem>
          <Button variant="link" isInline onClick={() => set({ ...condition, terms: [...condition.terms, freshTerm("days")] })}>
            {words.t("condition.add")}
          </Button>
        </SplitItem>
        <SplitItem>
          <Button variant="link" isInline onClick={() => setAsPath(true)}>
            {words.t("condition.asPath")}
          </Button>
        </SplitItem>
      </Split>
    </Row>
  );
}
