// A profile's definition as a form: in the sections that its description has, in the words of people who issue certificates.
import { Button, ExpandableSection, FormSelect, FormSelectOption, Split, SplitItem } from "@patternfly/react-core";
import { type ReactNode, useEffect, useState } from "react";
import { STRUCTURES } from "../api/structures.gen";
import { NamesFields } from "./NamesFields";
import { SubjectFields } from "./SubjectFields";
import { ChecksField, FlagField, LinesField, NumberField, OrderField } from "./fields";
import { FAMILIES, familyOf, lengthOf, setLength, setNoExpiry, type Unit, UNITS } from "./profile";
import { describedBy, Row } from "./Row";
import { faultAt, isObject, isTexts, orNone, put, type Schema, unknownOf, type Values } from "./schema";
import { ObjectFields } from "./SchemaField";
import { type Speaker, useStructureWords } from "./words";
import { writeJson } from "./json";

const SCHEMA = STRUCTURES.profile_definition;

export interface PartProps {
  schema: Schema;
  value: Values;
  onChange: (value: Values) => void;
  faults: Readonly<Record<string, string>>;
  words: Speaker;
  idBase: string;
}

function Length({ most, ...props }: PartProps & { most: boolean }) {
  const { schema, value, onChange, faults, words, idBase } = props;
  const said = lengthOf(value, most);
  const unit: Unit = said && said !== "several" ? said.unit : "days";
  const member = most ? `max_${unit}` : unit;
  const id = `${idBase}-${most ? "max" : "length"}`;
  const fault = UNITS.map((one) => faultAt(faults, most ? `max_${one}` : one)).find(Boolean);
  if (said === "several") {
    return <ObjectFields {...props} path="" onChange={(to) => onChange(to as Values)} only={UNITS.map((one) => (most ? `max_${one}` : one))} />;
  }
  return (
    <Split hasGutter isWrappable>
      <SplitItem>
        <NumberField
          id={id} label={words.t(most ? "validity.most" : "validity.length")} help={words.t(most ? "validity.mostHelp" : "validity.lengthHelp")} schema={{ ...schema.properties?.[member], "x-siegel-unit": undefined }}
          path={member} value={said?.value} required fault={fault ?? (said ? undefined : words.t("screen.valueWanted"))} words={words} onChange={(to) => onChange(setLength(value, most, unit, to))}
        />
      </SplitItem>
      <SplitItem>
        <Row id={`${id}-unit`} label={words.t("validity.unit")}>
          <FormSelect id={`${id}-unit`} value={unit} onChange={(_, to) => onChange(setLength(value, most, to as Unit, said?.value))}>
            {UNITS.map((one) => (
              <FormSelectOption key={one} value={one} label={words.t(`units.${one}`)} />
            ))}
          </FormSelect>
        </Row>
      </SplitItem>
    </Split>
  );
}

function Validity(props: PartProps) {
  const { schema, value, onChange, faults, words, idBase } = props;
  const endless = value.no_expiry === true;
  return (
    <>
      <FlagField
        id={`${idBase}-no_expiry`} label={words.member("no_expiry")} help={words.help("no_expiry")} fault={faultAt(faults, "no_expiry")} schema={schema.properties?.no_expiry ?? {}} path="no_expiry"
        value={endless} words={words} onChange={(on) => onChange(setNoExpiry(value, on === true))}
      />
      {!endless && (
        <>
          <Length {...props} most={false} />
          <Length {...props} most />
        </>
      )}
      <ObjectFields {...props} path="" onChange={(to) => onChange(to as Values)} only={["over_maximum", "over_issuer"]} />
    </>
  );
}

function Keys(props: PartProps) {
  const { schema, value, onChange, faults, words, idBase } = props;
  const keys = schema.properties?.keys ?? {};
  const known = keys.items?.["x-siegel-values"] ?? [];
  const groups = FAMILIES.map((one) => ({ label: words.t(`families.${one}`), words: known.filter((key) => familyOf(key) === one) }));
  return (
    <>
      <OrderField
        id={`${idBase}-keys`} label={words.member("keys")} help={words.help("keys")} fault={faultAt(faults, "keys")} required schema={keys} path="keys" value={isTexts(value.keys) ? value.keys : []}
        words={words} groups={groups} first={words.t("keys.first")} onChange={(to) => onChange(put(value, "keys", to))}
      />
      <ObjectFields {...props} path="" onChange={(to) => onChange(to as Values)} only={["key_origin", "key_reuse", "archive_keys"]} />
    </>
  );
}

/** Purposes that have a name are ticked; others are object identifiers. */
function Purposes(props: PartProps) {
  const { schema, value, onChange, faults, words, idBase } = props;
  const purposes = schema.properties?.extended_key_usage ?? {};
  const known = purposes.items?.["x-siegel-values"] ?? [];
  const chosen = isTexts(value.extended_key_usage) ? value.extended_key_usage : [];
  const own = chosen.filter((one) => !known.includes(one));
  const set = (list: readonly string[]) => onChange(put(value, "extended_key_usage", orNone([...list])));
  const inner = (to: unknown) => onChange(to as Values);
  return (
    <>
      <ObjectFields {...props} path="" onChange={inner} only={["key_usage"]} />
      <ChecksField
        id={`${idBase}-extended_key_usage`} label={words.member("extended_key_usage")} help={words.help("extended_key_usage")} fault={faultAt(faults, "extended_key_usage")}
        schema={{ items: { enum: known } }} path="extended_key_usage" value={chosen.filter((one) => known.includes(one))} words={words}
        onChange={(to) => set([...chosen.filter((one) => !known.includes(one) || ((to ?? []) as string[]).includes(one)), ...((to ?? []) as string[]).filter((one) => !chosen.includes(one))])}
      />
      <LinesField
        id={`${idBase}-purposes-own`} label={words.t("purposes.own")} help={words.t("purposes.ownHelp")} schema={{}} path="own" value={own} words={words}
        onChange={(to) => set([...chosen.filter((one) => known.includes(one)), ...((to ?? []) as string[])])}
      />
      <ObjectFields {...props} path="" onChange={inner} only={["extended_key_usage_critical", "without_purpose"]} />
    </>
  );
}

interface CertificatePolicy {
  oid?: string;
  cps?: string;
}

/** Certificate policies: an identifier, or one with the address of its statement. */
function Policies({ value, onChange, faults, words, idBase }: PartProps) {
  const list = Array.isArray(value.policies) ? (value.policies as (string | CertificatePolicy)[]) : [];
  const set = (next: (string | CertificatePolicy)[]) => onChange(put(value, "policies", orNone(next)));
  const change = (i: number, oid: string, cps: string) => set(list.map((one, k) => (k === i ? (cps || isObject(one) ? { ...(isObject(one) ? one : {}), oid, ...(cps ? { cps } : {}) } : oid) : one)));
  const id = `${idBase}-policies`;
  const fault = faultAt(faults, "policies");
  return (
    <Row id={id} label={words.member("policies")} help={words.help("policies")} fault={fault} group>
      {list.map((one, i) => {
        const oid = typeof one === "string" ? one : (one.oid ?? "");
        const cps = typeof one === "string" ? "" : (one.cps ?? "");
        return (
          <Split hasGutter isWrappable key={i}>
            <SplitItem isFilled>
              <input className="pf-v6-c-form-control siegel-input siegel-mono" aria-label={`${words.t("policies.oid")} ${i + 1}`} aria-describedby={describedBy(id, fault, words.help("policies"))} placeholder="1.2.3.4" value={oid} onChange={(event) => change(i, event.target.value, cps)} />
            </SplitItem>
            <SplitItem isFilled>
              <input className="pf-v6-c-form-control siegel-input" aria-label={`${words.t("policies.cps")} ${i + 1}`} placeholder="https://" value={cps} onChange={(event) => change(i, oid, event.target.value)} />
            </SplitItem>
            <SplitItem>
              <Button variant="link" onClick={() => set(list.filter((_, k) => k !== i))}>
                {words.t("screen.remove", { name: oid || String(i + 1) })}
              </Button>
            </SplitItem>
          </Split>
        );
      })}
      <div>
        <Button variant="link" isInline isDisabled={list.length >= (SCHEMA.properties?.policies?.maxItems ?? 8)} onClick={() => set([...list, ""])}>
          {words.t("policies.add")}
        </Button>
      </div>
    </Row>
  );
}

function Extensions(props: PartProps) {
  const inner = (to: unknown) => props.onChange(to as Values);
  return (
    <>
      <ObjectFields {...props} path="" onChange={inner} only={["status_information"]} />
      <Policies {...props} />
      <ObjectFields {...props} path="" onChange={inner} only={["tls_feature", "ocsp_nocheck", "extensions"]} />
    </>
  );
}

const PARTS: Record<string, ((props: PartProps) => ReactNode) | undefined> = { subject: SubjectFields, names: NamesFields, validity: Validity, keys: Keys, purposes: Purposes, extensions: Extensions };
const OPEN = ["subject", "names", "validity"];

function Section({ name, members, ...props }: PartProps & { name: string; members: readonly string[] }) {
  const { faults, words, idBase } = props;
  const wrong = members.some((one) => faultAt(faults, one));
  const [open, setOpen] = useState(OPEN.includes(name) || wrong);
  useEffect(() => {
    if (wrong) {
      setOpen(true);
    }
  }, [wrong]);
  const Part = PARTS[name];
  const title = words.t(`sections.${name}`, { defaultValue: name });
  return (
    <ExpandableSection
      isExpanded={open} onToggle={(_, to) => setOpen(to)} toggleText={title} toggleId={`${idBase}-${name}-toggle`} contentId={`${idBase}-${name}-content`} displaySize="lg" className="siegel-section" data-section={name}
    >
      <p className="siegel-section-text">{words.t(`sectionTexts.${name}`, { defaultValue: "" })}</p>
      <div className="pf-v6-c-form">{Part ? <Part {...props} /> : <ObjectFields {...props} path="" onChange={(to) => props.onChange(to as Values)} only={members} />}</div>
    </ExpandableSection>
  );
}

export function ProfileForm({ value, onChange, faults, idBase }: { value: unknown; onChange: (value: unknown) => void; faults: Readonly<Record<string, string>>; idBase: string }) {
  const words = useStructureWords("profile_definition");
  if (!isObject(value)) {
    return <p>{words.t("screen.noObject")}</p>;
  }
  const props = { schema: SCHEMA, value, onChange, faults, words, idBase };
  const unknown = unknownOf(SCHEMA, value);
  return (
    <>
      {(SCHEMA["x-siegel-sections"] ?? []).map(([name, members]) => (
        <Section key={name} name={name} members={members} {...props} />
      ))}
      {unknown.map((name) => (
        <Row key={name} id={`${idBase}-${name}`} label={name} help={words.t("screen.unknown")} fault={faultAt(faults, name)} group>
          <pre className="siegel-mono siegel-wrap">{writeJson(value[name])}</pre>
          <Button variant="link" isInline onClick={() => onChange(put(value, name, undefined))}>
            {words.t("screen.remove", { name })}
          </Button>
        </Row>
      ))}
    </>
  );
}
