// Any member of a structured value, by what its schema says of it.
import { Button, FormFieldGroup, FormFieldGroupHeader } from "@patternfly/react-core";
import { ChecksField, ChoiceField, FlagField, LinesField, MapField, NumberField, OrderField, TextField } from "./fields";
import { Row } from "./Row";
import { faultAt, fits, isObject, isTexts, orNone, put, type Schema, unknownOf, type Values, wayOf } from "./schema";
import type { Speaker } from "./words";
import { writeJson } from "./json";

interface Props {
  schema: Schema;
  path: string;
  value: unknown;
  onChange: (value: unknown) => void;
  faults: Readonly<Record<string, string>>;
  words: Speaker;
  idBase: string;
  required?: boolean;
}

/** What the form can't show is shown as it is, and may be taken out. */
function AsItIs({ id, label, value, onChange, fault, words }: { id: string; label: string; value: unknown; onChange: (value: unknown) => void; fault?: string; words: Speaker }) {
  return (
    <Row id={id} label={label} fault={fault} help={words.t("screen.asItIs")} group>
      <pre className="siegel-mono siegel-wrap">{writeJson(value)}</pre>
      <div>
        <Button variant="link" isInline onClick={() => onChange(undefined)}>
          {words.t("screen.remove", { name: label })}
        </Button>
      </div>
    </Row>
  );
}

/** The members of an object, one below the other; what nobody here knows comes last. */
export function ObjectFields({ schema, path, value, onChange, faults, words, idBase, only }: Omit<Props, "required"> & { only?: readonly string[] }) {
  const object = isObject(value) ? value : {};
  const at = (name: string) => (path ? `${path}.${name}` : name);
  const set = (name: string, to: unknown) => onChange(path ? orNone(put(object, name, to)) : put(object, name, to));
  return (
    <>
      {(only ?? schema["x-siegel-order"] ?? Object.keys(schema.properties ?? {})).map((name) => {
        const inner = schema.properties?.[name];
        return (
          inner && (
            <SchemaField
              key={name} schema={inner} path={at(name)} value={object[name]} onChange={(to) => set(name, to)} faults={faults} words={words} idBase={idBase}
              required={schema.required?.includes(name)}
            />
          )
        );
      })}
      {!only &&
        unknownOf(schema, object).map((name) => (
          <AsItIs key={name} id={`${idBase}-${at(name)}`} label={name} value={object[name]} onChange={(to) => set(name, to)} fault={faultAt(faults, at(name))} words={words} />
        ))}
    </>
  );
}

/** A list of objects, each with its members. */
function ObjectList({ schema, path, value, onChange, faults, words, idBase }: Props) {
  const list = Array.isArray(value) ? (value as unknown[]) : [];
  const item = schema.items ?? {};
  const label = words.member(path);
  return (
    <Row id={`${idBase}-${path}`} label={label} help={words.help(path)} fault={faultAt(faults, path)} group>
      {list.map((one, i) => (
        <FormFieldGroup
          key={i}
          header={
            <FormFieldGroupHeader
              titleText={{ text: `${label} ${i + 1}`, id: `${idBase}-${path}-${i}-title` }}
              actions={
                <Button variant="link" onClick={() => onChange(orNone(list.filter((_, k) => k !== i)))}>
                  {words.t("screen.remove", { name: `${label} ${i + 1}` })}
                </Button>
              }
            />
          }
        >
          <ObjectFields schema={item} path={path} value={one} onChange={(to) => onChange(list.map((old, k) => (k === i ? (to ?? {}) : old)))} faults={{}} words={words} idBase={`${idBase}-${i}`} />
        </FormFieldGroup>
      ))}
      <div>
        <Button variant="link" isInline isDisabled={list.length >= (schema.maxItems ?? Infinity)} onClick={() => onChange([...list, {}])}>
          {words.t("screen.addOne", { name: label })}
        </Button>
      </div>
    </Row>
  );
}

export function SchemaField(props: Props) {
  const { schema, path, value, onChange, faults, words, idBase, required } = props;
  const way = wayOf(schema);
  const common = { id: `${idBase}-${path}`, label: words.member(path), help: words.help(path), fault: faultAt(faults, path.replaceAll(".", "/")), required, schema, path, onChange, words };
  if (!fits(schema, value) && !(way === "number" && typeof value === "string")) {
    return <AsItIs {...common} value={value} />;
  }
  const texts = isTexts(value) ? value : undefined;
  switch (way) {
    case "flag":
      return <FlagField {...common} value={value as boolean | undefined} />;
    case "number":
      return <NumberField {...common} value={value} />;
    case "choice":
      return <ChoiceField {...common} value={value as string | undefined} />;
    case "text":
      return <TextField {...common} value={value as string | undefined} />;
    case "checks":
      return <ChecksField {...common} value={texts} />;
    case "order":
      return <OrderField {...common} value={texts} />;
    case "lines":
      return <LinesField {...common} value={texts} />;
    case "map":
      return <MapField {...common} value={value as Values | undefined} />;
    case "object":
    case "lists":
      return (
        <FormFieldGroup header={<FormFieldGroupHeader titleText={{ text: common.label, id: `${common.id}-title` }} titleDescription={common.help} />}>
          <ObjectFields {...props} />
        </FormFieldGroup>
      );
    default:
      return schema.items?.properties ? <ObjectList {...props} /> : value === undefined ? null : <AsItIs {...common} value={value} />;
  }
}
