// The subject of a profile's certificates: what is in it, and who says it.
import { Button, Card, CardBody, CardHeader, CardTitle, Checkbox, ExpandableSection, FormSelect, FormSelectOption, Grid, GridItem } from "@patternfly/react-core";
import { addSubject, dropSubject, isSubjectRequired, setSource, setSubjectRequired, setSubjectRule, setSubjectValue, sourceOf, SOURCES, type Source, subjectRule, subjectTypes, subjectValue } from "./profile";
import { ChoiceField, OrderField, TextField } from "./fields";
import { Worded } from "./Row";
import { faultAt, isTexts } from "./schema";
import { ObjectFields } from "./SchemaField";
import type { PartProps } from "./ProfileForm";

function Part({ type, schema, value, onChange, faults, words, idBase }: PartProps & { type: string }) {
  const id = `${idBase}-subject-${type}`;
  const source = sourceOf(value, type);
  const rule = subjectRule(value, type);
  const rules = schema.properties?.subject_rules?.properties?.[type] ?? {};
  const name = words.value("subject", type);
  const texts = schema.properties?.subject_fixed?.properties?.[type] ?? {};
  const choices = { enum: SOURCES };
  return (
    <Card isCompact component="li">
      <CardHeader actions={{ actions: <Button variant="link" onClick={() => onChange(dropSubject(value, type))}>{words.t("screen.remove", { name })}</Button> }}>
        <CardTitle component="h3">
          <Worded word={name} term={type} />
        </CardTitle>
      </CardHeader>
      <CardBody>
        <Grid hasGutter md={6}>
          <GridItem>
            <ChoiceField
              id={`${id}-source`} label={words.t("subject.source")} schema={{ ...choices, default: undefined }} path="source" value={source} required words={words}
              onChange={(to) => to !== undefined && onChange(setSource(value, type, to as Source))}
            />
          </GridItem>
          <GridItem>
            {source === "request" ? (
              <Checkbox
                id={`${id}-required`} className="siegel-level" label={words.t("subject.required")} isChecked={isSubjectRequired(value, type)}
                onChange={(_, on) => onChange(setSubjectRequired(value, type, on))}
              />
            ) : (
              <TextField
                id={`${id}-value`} label={words.t("subject.value")} schema={texts} path={type} value={subjectValue(value, type)} required words={words}
                fault={subjectValue(value, type) === "" ? words.t("screen.valueWanted") : undefined} onChange={(to) => onChange(setSubjectValue(value, type, typeof to === "string" ? to : ""))}
              />
            )}
          </GridItem>
        </Grid>
        <ExpandableSection toggleText={words.t(Object.keys(rule).length > 0 ? "subject.rulesSet" : "subject.rules")} toggleId={`${id}-toggle`} contentId={`${id}-rules`}>
          <Grid hasGutter md={6}>
            <ObjectFields
              schema={rules} path="rule" value={rule} faults={faultAt(faults, "subject_rules") ? { rule: faultAt(faults, "subject_rules") ?? "" } : {}} words={words} idBase={`${id}-rule`}
              onChange={(to) => onChange(setSubjectRule(value, type, (to ?? {}) as Record<string, unknown>))}
            />
          </Grid>
        </ExpandableSection>
      </CardBody>
    </Card>
  );
}

export function SubjectFields(props: PartProps) {
  const { schema, value, onChange, faults, words, idBase } = props;
  const known = schema.properties?.subject_allowed?.items?.enum ?? [];
  const used = subjectTypes(value, known);
  const fault = ["subject_allowed", "subject_required", "subject_fixed", "subject_defaults"].map((one) => faultAt(faults, one)).find(Boolean);
  return (
    <>
      {fault && <p className="siegel-fault" role="alert">{fault}</p>}
      <ul className="siegel-parts" aria-label={words.t("sections.subject")}>
        {used.map((type) => (
          <Part key={type} type={type} {...props} />
        ))}
      </ul>
      <FormSelect className="siegel-adder" value="" aria-label={words.t("subject.add")} onChange={(_, type) => type && onChange(addSubject(value, type))}>
        <FormSelectOption value="" label={words.t("subject.add")} isPlaceholder />
        {known.filter((one) => !used.includes(one)).map((one) => (
          <FormSelectOption key={one} value={one} label={`${words.value("subject", one)} (${one})`} />
        ))}
      </FormSelect>
      <OrderField
        id={`${idBase}-subject_order`} label={words.member("subject_order")} help={words.help("subject_order")} fault={faultAt(faults, "subject_order")} schema={schema.properties?.subject_order ?? {}}
        path="subject" value={isTexts(value.subject_order) ? value.subject_order : []} words={words}
        onChange={(to) => onChange(to === undefined ? Object.fromEntries(Object.entries(value).filter(([name]) => name !== "subject_order")) : { ...value, subject_order: to })}
      />
    </>
  );
}
