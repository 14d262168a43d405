// One field of a generated form, by its kind.
import {
  Checkbox,
  FormGroup,
  FormHelperText,
  FormSelect,
  FormSelectOption,
  HelperText,
  HelperTextItem,
  Skeleton,
  TextArea,
  TextInput,
} from "@patternfly/react-core";
import { type ReactNode, Suspense } from "react";
import { worded } from "../i18n/worded";
import { Metadata, type Pair } from "../parts/Metadata";
import { WhenInput } from "../parts/When";
import type { Choice, Typed } from "./typed";
import { type Field, isResource, type ResourceName } from "./model";
import { Reference, References } from "./Reference";
import { type Speaker, useWords } from "./words";

// Its tables are large, and few forms have one.
const Settings = worded(() => import("../structure/Settings"), "structures");

interface Props {
  resource: ResourceName;
  name: string;
  field: Field;
  value: Typed;
  onChange: (value: Typed) => void;
  /** What is wrong with it: what the form found, or the server said. */
  wrong?: string;
  idBase: string;
}

interface Inner extends Props {
  id: string;
  label: string;
  describedBy: string;
  words: Speaker;
}

const isChoice = (value: Typed): value is Choice => value !== null && typeof value === "object" && !Array.isArray(value);

/** Structures that a form shows whole; others have screens of their own. */
const SETTINGS: readonly string[] = ["profile_definition", "est_label_settings", "scep_profile_settings", "acme_directory_settings", "acme_directory_profiles"];

/** How many lines a value gets: a document more than a list. */
const LINES = { json: 8, lines: 6, texts: 3 };

function Several({ field, value, onChange, id, label, describedBy, words, wrong, resource, name }: Inner): ReactNode {
  const list = Array.isArray(value) ? (value as string[]) : [];
  if (isResource(field.of)) {
    return <References id={id} label={label} of={field.of} chosen={list} onChange={onChange} describedBy={describedBy} wrong={Boolean(wrong)} />;
  }
  if (field.values) {
    return (
      <div role="group" aria-label={label} aria-describedby={describedBy}>
        {field.values.map((one) => (
          <Checkbox
            key={one}
            id={`${id}-${one}`}
            label={words.value(resource, name, one)}
            isChecked={list.includes(one)}
            onChange={(_, on) => onChange(on ? [...list, one] : list.filter((other) => other !== one))}
          />
        ))}
      </div>
    );
  }
  return (
    <TextArea
      id={id}
      value={list.join("\n")}
      rows={LINES.texts}
      resizeOrientation="vertical"
      placeholder={words.t("screen.addLine")}
      validated={wrong ? "error" : "default"}
      aria-describedby={describedBy}
      onChange={(_, text) => onChange(text === "" ? [] : text.split("\n"))}
    />
  );
}

/** Pairs are metadata, wherever a resource has some. */
function Pairs({ value, onChange, id, label }: Inner): ReactNode {
  return (
    <div role="group" aria-label={label} id={id}>
      <Metadata id={id} pairs={Array.isArray(value) ? (value as Pair[]) : []} onChange={onChange} />
    </div>
  );
}

function Input(props: Inner): ReactNode {
  const { resource, name, field, value, onChange, id, label, describedBy, words, wrong } = props;
  const validated = wrong ? "error" : "default";
  if (field.kind === "texts") {
    return <Several {...props} />;
  }
  if (field.kind === "map") {
    return <Pairs {...props} />;
  }
  if (isResource(field.of)) {
    const chosen = isChoice(value) ? value : null;
    const byId = field.relationship === true || field.kind === "int";
    return <Reference id={id} label={label} of={field.of} byId={byId} chosen={chosen} onChoose={onChange} describedBy={describedBy} wrong={Boolean(wrong)} />;
  }
  const text = typeof value === "string" ? value : "";
  if (field.kind === "bool" || field.values) {
    const options = field.kind === "bool" ? ["true", "false"] : [...(field.values ?? [])];
    const word = (one: string) => (field.kind === "bool" ? words.t(one === "true" ? "screen.yes" : "screen.no") : words.value(resource, name, one));
    // What it is now may be something that nobody sets.
    const shown = text && !options.includes(text) ? [text, ...options] : options;
    return (
      <FormSelect id={id} value={text} validated={validated} aria-describedby={describedBy} onChange={(_, to) => onChange(to)}>
        {(field.kind !== "bool" || !text) && <FormSelectOption value="" label={words.t(field.required ? "screen.choose" : "screen.nobody")} />}
        {shown.map((one) => (
          <FormSelectOption key={one} value={one} label={word(one)} />
        ))}
      </FormSelect>
    );
  }
  if (field.kind === "json" || field.kind === "lines") {
    return (
      <TextArea
        id={id}
        value={text}
        rows={LINES[field.kind]}
        resizeOrientation="vertical"
        spellCheck={false}
        className="siegel-mono"
        validated={validated}
        aria-describedby={describedBy}
        onChange={(_, to) => onChange(to)}
      />
    );
  }
  if (field.kind === "time") {
    return <WhenInput id={id} label={label} time value={text} onChange={onChange} wrong={validated === "error"} describedBy={describedBy} />;
  }
  const type = field.kind === "secret" ? "password" : "text";
  return (
    <TextInput
      id={id}
      type={type}
      value={text}
      inputMode={field.kind === "int" ? "numeric" : undefined}
      autoComplete={field.kind === "secret" ? "new-password" : "off"}
      spellCheck={false}
      validated={validated}
      aria-describedby={describedBy}
      onChange={(_, to) => onChange(to)}
    />
  );
}

export function FieldInput(props: Props) {
  const words = useWords();
  const { resource, name, field, wrong, idBase } = props;
  const label = words.attribute(resource, name);
  const help = words.help(resource, name);
  const id = `${idBase}-${name}`;
  const describedBy = `${id}-help`;
  if (field.kind === "json" && field.schema && SETTINGS.includes(field.schema)) {
    return (
      <Suspense fallback={<Skeleton height="8rem" />}>
        <Settings name={field.schema} label={label} help={help} text={typeof props.value === "string" ? props.value : ""} onChange={props.onChange} wrong={wrong} />
      </Suspense>
    );
  }
  const grouped = field.kind === "map" || (field.kind === "texts" && Boolean(field.values));
  return (
    <FormGroup label={label} fieldId={grouped ? undefined : id} role={grouped ? "group" : undefined} isRequired={field.required}>
      <Input {...props} id={id} label={label} describedBy={describedBy} words={words} />
      <FormHelperText>
        <HelperText id={describedBy} isLiveRegion={Boolean(wrong)}>
          {wrong ? <HelperTextItem variant="error" screenReaderText="">{wrong}</HelperTextItem> : help ? <HelperTextItem>{help}</HelperTextItem> : null}
        </HelperText>
      </FormHelperText>
    </FormGroup>
  );
}
