// The rules of a policy as a list of forms: whom each is about, what it does, and what people are told. The order counts, and is changed by buttons.
import { Button, Card, CardBody, CardHeader, CardTitle, FormSelect, FormSelectOption, Grid, GridItem, Split, SplitItem } from "@patternfly/react-core";
import { STRUCTURES } from "../api/structures.gen";
import { ConditionField, type Known } from "./ConditionField";
import { ChoiceField, Moves, NumberField, TextField } from "./fields";
import { approversOf, type Beginning, BEGINNINGS, type Effect, effectOf, EFFECTS, freeName, POINTERS, withApprovers, withEffect } from "./rules";
import { useWords } from "../resources/words";
import { Row } from "./Row";
import { faultAt, isObject, isTexts, move, put, type Schema, unknownOf, type Values } from "./schema";
import { ObjectFields } from "./SchemaField";
import { type Speaker, useStructureWords } from "./words";

const RULE = STRUCTURES.policy_rules.items ?? {};

interface Props {
  rule: Values;
  place: number;
  onChange: (rule: Values) => void;
  faults: Readonly<Record<string, string>>;
  known: Known;
  words: Speaker;
  idBase: string;
}

function Approvers({ rule, onChange, faults, place, known, words: own, idBase }: Props) {
  const { right } = useWords();
  const words = { ...own, value: (path: string, one: string) => (path === "right" ? right(one) : own.value(path, one)) };
  const { count, by, who } = approversOf(rule);
  const schema = RULE.properties?.approve ?? {};
  const fault = faultAt(faults, `rules/${place}/approve`);
  const names = known[by === "right" ? "rights" : "roles"] ?? [];
  const shown = who && !names.includes(who) ? [who, ...names] : names;
  return (
    <Grid hasGutter md={4}>
      <GridItem>
        <NumberField id={`${idBase}-count`} label={words.t("rules.count")} schema={schema.properties?.count ?? {}} path="count" value={count} required words={words} fault={fault} onChange={(to) => onChange(withApprovers(rule, { count: to }))} />
      </GridItem>
      <GridItem>
        <ChoiceField id={`${idBase}-by`} label={words.t("rules.by")} schema={{ enum: ["right", "role"] }} path="by" value={by} required words={words} onChange={(to) => onChange(withApprovers(rule, { by: to === "role" ? "role" : "right" }))} />
      </GridItem>
      <GridItem>
        <ChoiceField
          id={`${idBase}-who`} label={words.t(by === "right" ? "rules.right" : "rules.role")} schema={{ enum: shown }} path={by === "right" ? "right" : "roleName"} value={who || undefined} required words={words}
          onChange={(to) => onChange(withApprovers(rule, { who: typeof to === "string" ? to : "" }))}
        />
      </GridItem>
    </Grid>
  );
}

/** The subject that a rule sets: an attribute has a text, or several. */
const asDefaults = (schema: Schema): Schema => ({
  ...schema,
  properties: { ...schema.properties, subject: { type: "object", properties: Object.fromEntries(Object.keys(schema.properties?.subject?.properties ?? {}).map((one) => [one, { type: "array", items: { type: "string" } }])) } },
});
/** For the form a text is a list of one; what isn't changed goes back as it was. */
function defaultsOf(value: unknown): Values {
  const all = isObject(value) ? value : {};
  return isObject(all.subject) ? { ...all, subject: Object.fromEntries(Object.entries(all.subject).map(([type, one]) => [type, typeof one === "string" ? [one] : one])) } : all;
}
function backFrom(form: unknown, before: unknown): Values {
  const all = isObject(form) ? form : {};
  const old = isObject(before) && isObject(before.subject) ? before.subject : {};
  const same = (type: string, one: unknown) => isTexts(one) && one.length === 1 && (old[type] === undefined || typeof old[type] === "string");
  return isObject(all.subject) ? { ...all, subject: Object.fromEntries(Object.entries(all.subject).map(([type, one]) => [type, same(type, one) ? (one as string[])[0] : one])) } : all;
}

function EffectFields(props: Props & { effect: Effect | null }) {
  const { rule, place, effect, onChange, faults, known, words, idBase } = props;
  if (effect === "require") {
    return (
      <ConditionField
        id={`${idBase}-require`} label={words.t("rules.require")} required path={typeof rule.require === "string" ? rule.require : ""} known={known} words={words} fault={faultAt(faults, `rules/${place}/require`)}
        onChange={(path) => onChange(put(rule, "require", path))}
      />
    );
  }
  if (effect === "approve") {
    return <Approvers {...props} />;
  }
  if (effect !== "default") {
    return effect === null ? <p className="siegel-fault">{words.t("rules.oneEffect")}</p> : null;
  }
  const schema = asDefaults(RULE.properties?.default ?? {});
  const below = Object.fromEntries(Object.entries(faults).flatMap(([at, text]) => (at.startsWith(`rules/${place}/default/`) ? [[at.slice(`rules/${place}/default/`.length), text]] : [])));
  const set = (to: unknown) => onChange(put(rule, "default", backFrom(to, rule.default)));
  const value = defaultsOf(rule.default);
  return (
    <>
      <ObjectFields schema={schema} path="" value={value} onChange={set} faults={below} words={words} idBase={`${idBase}-default`} only={["days", "owner", "metadata"]} />
      <SubjectDefaults schema={schema.properties?.subject ?? {}} value={isObject(value.subject) ? value.subject : {}} onChange={(subject) => set(put(value, "subject", Object.keys(subject).length > 0 ? subject : undefined))} words={words} idBase={idBase} fault={faultAt(below, "subject")} />
    </>
  );
}

function SubjectDefaults({ schema, value, onChange, words, idBase, fault }: { schema: Schema; value: Values; onChange: (value: Values) => void; words: Speaker; idBase: string; fault?: string }) {
  const used = Object.keys(value);
  const free = Object.keys(schema.properties ?? {}).filter((one) => !used.includes(one));
  return (
    <Row id={`${idBase}-subject`} label={words.t("rules.subject")} fault={fault} group>
      <ObjectFields schema={schema} path="" value={value} onChange={(to) => onChange(isObject(to) ? to : {})} faults={{}} words={words} idBase={`${idBase}-subject`} only={used} />
      <FormSelect className="siegel-adder" value="" aria-label={words.t("subject.add")} onChange={(_, type) => type && onChange({ ...value, [type]: [] })}>
        <FormSelectOption value="" label={words.t("subject.add")} isPlaceholder />
        {free.map((one) => (
          <FormSelectOption key={one} value={one} label={`${words.value("subject", one)} (${one})`} />
        ))}
      </FormSelect>
    </Row>
  );
}

function Told({ rule, place, onChange, faults, words, idBase }: Props) {
  const text = (name: string) => (typeof rule[name] === "string" ? rule[name] : undefined);
  const at = (name: string) => faultAt(faults, `rules/${place}/${name}`);
  const pointer = text("pointer");
  const pointers = pointer && !(POINTERS as readonly string[]).includes(pointer) ? [pointer, ...POINTERS] : POINTERS;
  return (
    <Grid hasGutter>
      {(["message", "message_de"] as const).map((name) => (
        <GridItem key={name}>
          <TextField id={`${idBase}-${name}`} label={words.t(`rules.${name}`)} schema={RULE.properties?.[name] ?? {}} path={name} value={text(name)} required={name === "message"} fault={at(name)} words={words} onChange={(to) => onChange(put(rule, name, to))} />
        </GridItem>
      ))}
      <GridItem>
        <ChoiceField id={`${idBase}-pointer`} label={words.t("rules.pointer")} schema={{ enum: pointers }} path="pointer" value={pointer} fault={at("pointer")} words={words} onChange={(to) => onChange(put(rule, "pointer", to))} />
      </GridItem>
    </Grid>
  );
}

function Rule(props: Props & { of: number; onMove: (to: number) => void; onRemove: () => void }) {
  const { rule, place, of, onChange, onMove, onRemove, faults, known, words, idBase } = props;
  const effect = effectOf(rule);
  const name = typeof rule.name === "string" ? rule.name : "";
  const unknown = unknownOf(RULE, rule);
  const whole = faults[`rules/${place}`];
  return (
    <Card isCompact component="li" data-rule={name}>
      <CardHeader actions={{ actions: <Moves name={name || String(place + 1)} place={place} of={of} words={words} onMove={onMove} onRemove={onRemove} /> }}>
        <CardTitle component="h3">
          {words.t("rules.number", { number: place + 1 })}
          {name && `: ${name}`}
        </CardTitle>
      </CardHeader>
      <CardBody>
        <div className="pf-v6-c-form">
          {whole && <p className="siegel-fault" role="alert">{whole}</p>}
          <Grid hasGutter md={6}>
            <GridItem>
              <TextField id={`${idBase}-name`} label={words.t("rules.name")} schema={RULE.properties?.name ?? {}} path="name" value={name} required fault={faultAt(faults, `rules/${place}/name`)} words={words} onChange={(to) => onChange(put(rule, "name", to ?? ""))} />
            </GridItem>
            <GridItem>
              <ChoiceField id={`${idBase}-effect`} label={words.t("rules.effect")} schema={{ enum: EFFECTS }} path="effect" value={effect ?? undefined} required words={words} onChange={(to) => to !== undefined && onChange(withEffect(rule, to as Effect))} />
            </GridItem>
          </Grid>
          <ConditionField
            id={`${idBase}-when`} label={words.t("rules.when")} help={words.t("rules.whenHelp")} path={typeof rule.when === "string" ? rule.when : ""} known={known} words={words}
            fault={faultAt(faults, `rules/${place}/when`)} onChange={(path) => onChange(put(rule, "when", path === "" ? undefined : path))}
          />
          <EffectFields {...props} effect={effect} />
          {effect !== "default" && <Told {...props} />}
          {unknown.length > 0 && <p>{words.t("rules.unknown", { names: unknown.join(", ") })}</p>}
        </div>
      </CardBody>
    </Card>
  );
}

interface FormProps {
  value: unknown;
  onChange: (value: unknown) => void;
  /** By the places that the server names: "rules/0/when". */
  faults: Readonly<Record<string, string>>;
  known: Known;
  idBase: string;
}

export function RulesForm({ value, onChange, faults, known, idBase }: FormProps) {
  const words = useStructureWords("policy_rules");
  if (!Array.isArray(value) || !value.every(isObject)) {
    return <p>{words.t("screen.noList")}</p>;
  }
  const rules: readonly Values[] = value;
  const add = (what: Beginning) => onChange([...rules, { ...BEGINNINGS[what], name: freeName(rules, BEGINNINGS[what].name) }]);
  return (
    <>
      <ol className="siegel-parts" aria-label={words.t("rules.list")}>
        {rules.map((rule, i) => (
          <Rule
            key={i} rule={rule} place={i} of={rules.length} faults={faults} known={known} words={words} idBase={`${idBase}-${i}`} onChange={(to) => onChange(rules.map((old, k) => (k === i ? to : old)))}
            onMove={(to) => onChange(move(rules, i, to))} onRemove={() => onChange(rules.filter((_, k) => k !== i))}
          />
        ))}
      </ol>
      <Split hasGutter>
        <SplitItem>
          <FormSelect className="siegel-adder" value="" aria-label={words.t("rules.add")} isDisabled={rules.length >= (STRUCTURES.policy_rules.maxItems ?? 32)} onChange={(_, what) => what && add(what as Beginning)}>
            <FormSelectOption value="" label={words.t("rules.add")} isPlaceholder />
            {(Object.keys(BEGINNINGS) as Beginning[]).map((one) => (
              <FormSelectOption key={one} value={one} label={words.t(`beginnings.${one}`)} />
            ))}
          </FormSelect>
        </SplitItem>
        {rules.length === 0 && (
          <SplitItem>
            <Button variant="link" onClick={() => add("shorter")}>
              {words.t("beginnings.shorter")}
            </Button>
          </SplitItem>
        )}
      </Split>
    </>
  );
}
