// The alternative names of a profile's certificates: which kinds are taken, how many, and where they have to lie.
import { Button, Card, CardBody, CardHeader, CardTitle, Checkbox, FormSelect, FormSelectOption, Grid, GridItem } from "@patternfly/react-core";
import { addName, dropName, isNameRequired, nameKinds, nameMember, namesWanted, setAnyName, setNameMember, setNameRequired } from "./profile";
import { LinesField, NumberField } from "./fields";
import { Worded } from "./Row";
import { faultAt, isTexts } from "./schema";
import { ObjectFields } from "./SchemaField";
import type { PartProps } from "./ProfileForm";

function Kind({ kind, schema, value, onChange, faults, words, idBase }: PartProps & { kind: string }) {
  const id = `${idBase}-names-${kind}`;
  const name = words.value("names", kind);
  const within = nameMember(value, "names_within", kind);
  return (
    <Card isCompact component="li">
      <CardHeader actions={{ actions: <Button variant="link" onClick={() => onChange(dropName(value, kind))}>{words.t("screen.remove", { name })}</Button> }}>
        <CardTitle component="h3">
          <Worded word={name} term={kind} />
        </CardTitle>
      </CardHeader>
      <CardBody>
        <Checkbox id={`${id}-required`} label={words.t("names.required")} isChecked={isNameRequired(value, kind)} onChange={(_, on) => onChange(setNameRequired(value, kind, on))} />
        <Grid hasGutter md={6} className="siegel-above">
          <GridItem>
            <NumberField
              id={`${id}-max`} label={words.t("names.max")} schema={schema.properties?.names_max?.properties?.[kind] ?? {}} path="max" value={nameMember(value, "names_max", kind)} words={words}
              fault={faultAt(faults, "names_max")} onChange={(to) => onChange(setNameMember(value, "names_max", kind, to))}
            />
          </GridItem>
          <GridItem>
            <LinesField
              id={`${id}-within`} label={words.t("names.within")} help={words.help(`within.${kind}`)} schema={{}} path="within" value={isTexts(within) ? within : []} words={words}
              fault={faultAt(faults, "names_within")} onChange={(to) => onChange(setNameMember(value, "names_within", kind, to))}
            />
          </GridItem>
        </Grid>
      </CardBody>
    </Card>
  );
}

export function NamesFields(props: PartProps) {
  const { schema, value, onChange, faults, words, idBase } = props;
  const known = schema.properties?.names_allowed?.items?.enum ?? [];
  const taken = nameKinds(value);
  const fault = ["names_allowed", "names_required"].map((one) => faultAt(faults, one)).find(Boolean);
  return (
    <>
      {fault && <p className="siegel-fault" role="alert">{fault}</p>}
      {taken.length === 0 && <p>{words.t("names.none")}</p>}
      <ul className="siegel-parts" aria-label={words.t("sections.names")}>
        {taken.map((kind) => (
          <Kind key={kind} kind={kind} {...props} />
        ))}
      </ul>
      <FormSelect className="siegel-adder" value="" aria-label={words.t("names.add")} onChange={(_, kind) => kind && onChange(addName(value, kind))}>
        <FormSelectOption value="" label={words.t("names.add")} isPlaceholder />
        {known.filter((one) => !taken.includes(one)).map((one) => (
          <FormSelectOption key={one} value={one} label={`${words.value("names", one)} (${one})`} />
        ))}
      </FormSelect>
      {namesWanted(value) !== "these" && (
        <Checkbox
          id={`${idBase}-names_required`} label={words.t("names.any")} description={words.t("names.anyHelp")} isChecked={namesWanted(value) === "any"}
          onChange={(_, on) => onChange(setAnyName(value, on))}
        />
      )}
      <ObjectFields schema={schema} path="" value={value} onChange={(to) => onChange(to as Record<string, unknown>)} faults={faults} words={words} idBase={idBase} only={["from_common_name", "wildcard"]} />
    </>
  );
}
