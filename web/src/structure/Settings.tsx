// A structured value within a generated form, which keeps it as text: the form of its schema, and that text.
import { Content, FormGroup } from "@patternfly/react-core";
import { useId } from "react";
import { STRUCTURES, type StructureName } from "../api/structures.gen";
import { readJson, writeJson } from "./json";
import { OffersForm } from "./OffersForm";
import { ProfileForm } from "./ProfileForm";
import { isObject } from "./schema";
import { ObjectFields } from "./SchemaField";
import { Structured } from "./Structured";
import { useStructureWords } from "./words";

interface Props {
  name: StructureName;
  label: string;
  help?: string;
  text: string;
  onChange: (text: string) => void;
  wrong?: string;
}

export default function Settings({ name, label, help, text, onChange, wrong }: Props) {
  const words = useStructureWords(name);
  const id = useId();
  const read = text.trim() === "" ? ({ value: {}, fault: null } as const) : readJson(text);
  // Nothing in it says what its absence says; of what a directory offers the server wants one at least, or nothing said.
  const setValue = (value: unknown) => onChange(name === "acme_directory_profiles" && isObject(value) && Object.keys(value).length === 0 ? "" : writeJson(value));
  const structure = { text, value: read.value, last: read.value, fault: read.fault, setText: onChange, setValue, changed: true };
  // "settings: retry_window_sec: a whole number …": the server names the member in what it says.
  const named = Object.keys(STRUCTURES[name].properties ?? {}).find((one) => wrong?.startsWith(`settings: ${one}:`) || wrong?.startsWith(`profile: ${one}:`));
  const faults = named && wrong ? { [named]: wrong } : {};
  return (
    <FormGroup label={label} role="group">
      {help && <Content component="small">{help}</Content>}
      <Structured name={name} label={label} structure={structure} fault={wrong} rows={8}>
        {name === "profile_definition" ? (
          <ProfileForm value={read.value} onChange={setValue} faults={faults} idBase={id} />
        ) : name === "acme_directory_profiles" ? (
          <OffersForm value={read.value} onChange={setValue} wrong={wrong} idBase={id} />
        ) : (
          <ObjectFields schema={STRUCTURES[name]} path="" value={read.value} onChange={setValue} faults={faults} words={words} idBase={id} />
        )}
        {wrong && !named && name !== "acme_directory_profiles" && <p className="siegel-fault" role="alert">{wrong}</p>}
      </Structured>
    </FormGroup>
  );
}
