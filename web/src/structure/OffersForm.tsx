// What an ACME directory offers: which profiles clients can choose, what each is called there, and which holds for orders that choose none.
import { Button, Card, CardBody, CardHeader, CardTitle, FormSelect, FormSelectOption, Grid, GridItem, Radio, TextInput } from "@patternfly/react-core";
import { useState } from "react";
import { useProfiles } from "../api/queries";
import { STRUCTURES } from "../api/structures.gen";
import { useBuiltin } from "../i18n/say";
import { FlagField, TextField } from "./fields";
import { aboutOffer, addOffer, dropOffer, hasDefault, inOrder, isDefault, isOrderable, nameFault, offerOf, renameOffer, setDefault } from "./offers";
import { Below, Row } from "./Row";
import { isObject, put, type Schema, unknownOf, type Values } from "./schema";
import { type Speaker, useStructureWords } from "./words";

const SCHEMA = STRUCTURES.acme_directory_profiles;
const OFFER: Schema = isObject(SCHEMA.additionalProperties) ? SCHEMA.additionalProperties : {};

interface Choice {
  name: string;
  title: string;
}

/** Profiles by which ACME can issue, by their titles. */
function useChoices(): Choice[] {
  const profiles = useProfiles();
  const say = useBuiltin();
  return (profiles.data ?? [])
    .filter((one) => isOrderable((one.attributes?.definition ?? {}) as Values))
    .map((one) => ({ name: one.attributes?.name ?? "", title: say(one.attributes?.title) || (one.attributes?.name ?? "") }))
    .sort((a, b) => a.title.localeCompare(b.title));
}

const labelOf = (one: Choice) => (one.title === one.name ? one.name : `${one.title} (${one.name})`);

interface Props {
  all: Values;
  name: string;
  choices: readonly Choice[];
  onChange: (all: Values) => void;
  onRename: (to: string) => void;
  fault?: string;
  words: Speaker;
  idBase: string;
}

/** What is typed stays on show; it becomes the name as soon as it can be one. */
function NameField({ all, name, onRename, words, idBase }: Props) {
  const [typed, setTyped] = useState(name);
  const fault = nameFault(all, name, typed);
  const id = `${idBase}-name`;
  return (
    <Row id={id} label={words.t("offers.name")} help={words.t("offers.nameHelp")} fault={fault ? words.t(`offers.faults.${fault}`, { name }) : undefined} required>
      <TextInput
        id={id}
        value={typed}
        maxLength={64}
        autoComplete="off"
        spellCheck={false}
        validated={fault ? "error" : "default"}
        aria-describedby={`${id}-help`}
        onChange={(_, to) => {
          setTyped(to);
          if (nameFault(all, name, to) === null) {
            onRename(to);
          }
        }}
      />
    </Row>
  );
}

function Offer(props: Props) {
  const { all, name, choices, onChange, fault, words, idBase } = props;
  const one = offerOf(all, name);
  const profile = typeof one.profile === "string" ? one.profile : "";
  const shown = choices.some((choice) => choice.name === profile) || !profile ? choices : [{ name: profile, title: profile }, ...choices];
  const set = (member: string, to: unknown) => onChange(put(all, name, put(one, member, to)));
  const unknown = unknownOf(OFFER, one);
  return (
    <Card isCompact component="li" data-offer={name}>
      <CardHeader actions={{ actions: <Button variant="link" onClick={() => onChange(dropOffer(all, name))}>{words.t("screen.remove", { name })}</Button> }}>
        <CardTitle component="h2">{name}</CardTitle>
      </CardHeader>
      <CardBody>
        <div className="pf-v6-c-form">
          <Below id={idBase} fault={fault} />
          <Grid hasGutter md={6}>
            <GridItem>
              <NameField {...props} />
            </GridItem>
            <GridItem>
              <Row id={`${idBase}-profile`} label={words.member("profile")} help={words.help("profile")} required>
                <FormSelect id={`${idBase}-profile`} value={profile} aria-describedby={`${idBase}-profile-help`} onChange={(_, to) => set("profile", to)}>
                  {!profile && <FormSelectOption value="" label={words.t("screen.choose")} />}
                  {shown.map((choice) => (
                    <FormSelectOption key={choice.name} value={choice.name} label={labelOf(choice)} />
                  ))}
                </FormSelect>
              </Row>
            </GridItem>
          </Grid>
          <TextField
            id={`${idBase}-description`} label={words.member("description")} help={words.help("description")} schema={OFFER.properties?.description ?? {}} path="description"
            value={typeof one.description === "string" ? one.description : undefined} words={words} onChange={(to) => set("description", to)}
          />
          <FlagField
            id={`${idBase}-caa`} label={words.member("caa")} help={words.help("caa")} schema={{}} path="caa" value={one.caa === true} words={words} onChange={(on) => set("caa", on === true ? true : one.caa === undefined ? undefined : false)}
          />
          <Radio id={`${idBase}-default`} name={`${idBase.replace(/-\d+$/, "")}-default`} label={words.member("default")} description={words.help("default")} isChecked={isDefault(all, name)} onChange={() => onChange(setDefault(all, name))} />
          {unknown.length > 0 && <p>{words.t("offers.unknown", { names: unknown.join(", ") })}</p>}
        </div>
      </CardBody>
    </Card>
  );
}

export function OffersForm({ value, onChange, wrong, idBase }: { value: unknown; onChange: (value: unknown) => void; wrong?: string; idBase: string }) {
  const words = useStructureWords("acme_directory_profiles");
  const choices = useChoices();
  // As they stood when they were typed, with a number each that stays while the name changes.
  const [order, setOrder] = useState<readonly string[]>([]);
  if (!isObject(value)) {
    return <p>{words.t("screen.noObject")}</p>;
  }
  const names = inOrder(value, order);
  const about = wrong ? aboutOffer(value, wrong) : undefined;
  const add = (profile: string) => {
    const next = addOffer(value, profile);
    setOrder([...names, next.name]);
    onChange(next.all);
  };
  const change = (all: Values) => {
    setOrder(names);
    onChange(all);
  };
  return (
    <>
      {about === undefined && <Below id={idBase} fault={wrong} />}
      {names.length === 0 && <p>{words.t("offers.none")}</p>}
      {names.length > 1 && !hasDefault(value) && <p className="siegel-fault" role="alert">{words.t("offers.oneDefault")}</p>}
      <ul className="siegel-parts" aria-label={words.t("offers.list")}>
        {names.map((name, i) => (
          <Offer
            key={`${i}-${names.length}`} all={value} name={name} choices={choices} onChange={change} fault={name === about ? wrong : undefined} words={words} idBase={`${idBase}-${i}`}
            onRename={(to) => {
              setOrder(names.map((old) => (old === name ? to : old)));
              onChange(renameOffer(value, name, to));
            }}
          />
        ))}
      </ul>
      <FormSelect className="siegel-adder" value="" aria-label={words.t("offers.add")} isDisabled={names.length >= (SCHEMA.maxProperties ?? Infinity)} onChange={(_, profile) => profile && add(profile)}>
        <FormSelectOption value="" label={words.t("offers.add")} isPlaceholder />
        {choices.map((one) => (
          <FormSelectOption key={one.name} value={one.name} label={labelOf(one)} />
        ))}
      </FormSelect>
    </>
  );
}
