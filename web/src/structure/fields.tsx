// Fields of structured values, by the way in which each is edited.
import { Button, Checkbox, FormSelect, FormSelectOption, FormSelectOptionGroup, Split, SplitItem, Stack, StackItem, TextArea, TextInput } from "@patternfly/react-core";
import { useState } from "react";
import { orNone, put, type Schema, type Values, boundOf, move, wordsOf } from "./schema";
import { Below, describedBy, Row, type RowProps, Worded } from "./Row";
import type { Speaker } from "./words";

export interface FieldProps<T> extends RowProps {
  schema: Schema;
  /** Where it stands in the value, such as "renew.before_days". */
  path: string;
  value: T | undefined;
  onChange: (value: unknown) => void;
  words: Speaker;
}

export function FlagField({ id, label, help, fault, schema, value, onChange, words }: FieldProps<boolean>) {
  const standard = schema.default === true;
  return (
    <div>
      <Checkbox
        id={id}
        label={label}
        description={[help, standard ? words.t("screen.standardOn") : ""].filter(Boolean).join(" ") || undefined}
        isChecked={value ?? standard}
        onChange={(_, on) => onChange(on === standard ? undefined : on)}
      />
      <Below id={id} fault={fault} />
    </div>
  );
}

/** What is typed and is no number stays as it is typed, in the value too: the text view shows it, and the server names it. */
export function NumberField({ id, label, help, fault, required, schema, value, onChange, words }: FieldProps<unknown>) {
  const text = value === undefined ? "" : String(value);
  const bound = text === "" ? null : boundOf(schema, text);
  const between = words.t("screen.between", { from: schema.minimum, to: schema.maximum });
  const unit = schema["x-siegel-unit"];
  const standard = schema.default === undefined ? "" : words.t("screen.standard", { value: String(schema.default as number) });
  return (
    <Row id={id} label={label} required={required} fault={bound ? between : fault} help={[help, bound ? "" : between, standard].filter(Boolean).join(" ")}>
      <Split hasGutter>
        <SplitItem>
          <TextInput
            id={id}
            inputMode="numeric"
            className="siegel-short"
            value={text}
            autoComplete="off"
            validated={bound || fault ? "error" : "default"}
            aria-describedby={`${id}-help`}
            onChange={(_, typed) => onChange(typed.trim() === "" ? undefined : boundOf({}, typed) ? typed : Number(typed))}
          />
        </SplitItem>
        {unit && <SplitItem className="siegel-beside">{words.t(`units.${unit}`, { defaultValue: unit })}</SplitItem>}
      </Split>
    </Row>
  );
}

export function ChoiceField({ id, label, help, fault, required, schema, path, value, onChange, words }: FieldProps<string>) {
  const { words: known } = wordsOf(schema);
  const standard = typeof schema.default === "string" ? schema.default : undefined;
  const shown = value !== undefined && !known.includes(value) ? [value, ...known] : known;
  return (
    <Row id={id} label={label} help={help} fault={fault} required={required}>
      <FormSelect
        id={id}
        value={value ?? standard ?? ""}
        validated={fault ? "error" : "default"}
        aria-describedby={describedBy(id, help, fault)}
        onChange={(_, chosen) => onChange(chosen === "" || (chosen === standard && value === undefined) ? undefined : chosen)}
      >
        {!standard && <FormSelectOption value="" label={words.t("screen.choose")} />}
        {shown.map((one) => (
          <FormSelectOption key={one} value={one} label={`${words.value(path, one)}${one === standard ? ` (${words.t("screen.isStandard")})` : ""}`} />
        ))}
      </FormSelect>
    </Row>
  );
}

export function TextField({ id, label, help, fault, required, schema, value, onChange }: FieldProps<string>) {
  return (
    <Row id={id} label={label} help={help} fault={fault} required={required}>
      <TextInput
        id={id}
        value={value ?? ""}
        maxLength={schema.maxLength}
        autoComplete="off"
        spellCheck={false}
        validated={fault ? "error" : "default"}
        aria-describedby={describedBy(id, help, fault)}
        onChange={(_, typed) => onChange(typed === "" ? undefined : typed)}
      />
    </Row>
  );
}

/** Some of a few: in the order of the description where they are added, others stay where they are. */
export function ChecksField({ id, label, help, fault, required, schema, path, value = [], onChange, words }: FieldProps<readonly string[]>) {
  const { words: known } = wordsOf(schema);
  return (
    <Row id={id} label={label} help={help} fault={fault} required={required} group>
      <div className="siegel-checks">
        {[...known, ...value.filter((one) => !known.includes(one))].map((one) => (
          <Checkbox
            key={one}
            id={`${id}-${one}`}
            label={<Worded word={words.value(path, one)} term={one} />}
            isChecked={value.includes(one)}
            onChange={(_, on) => {
              const chosen = on ? [...value, one] : value.filter((other) => other !== one);
              onChange(chosen.length === 0 && !required ? undefined : chosen);
            }}
          />
        ))}
      </div>
    </Row>
  );
}

interface Group {
  label: string;
  words: readonly string[];
}

/** A list whose order counts: moved, taken away and added to by buttons, which the keyboard reaches. */
export function OrderField({ id, label, help, fault, required, schema, path, value = [], onChange, words, groups, first }: FieldProps<readonly string[]> & { groups?: readonly Group[]; first?: string }) {
  const { words: known, open } = wordsOf(schema);
  const [typed, setTyped] = useState("");
  const offered = groups ?? [{ label: "", words: known }];
  const add = (one: string) => one.trim() && !value.includes(one.trim()) && onChange([...value, one.trim()]);
  const set = (list: readonly string[]) => onChange(list.length === 0 && !required ? undefined : list);
  return (
    <Row id={id} label={label} help={help} fault={fault} required={required} group>
      <ol className="siegel-order" aria-label={label}>
        {value.map((one, i) => (
          <li key={`${i}-${one}`}>
            <span className="siegel-order-name">
              <Worded word={words.value(path, one)} term={one} /> {i === 0 && first && <small>{first}</small>}
            </span>
            <Moves name={words.value(path, one)} place={i} of={value.length} words={words} onMove={(to) => set(move(value, i, to))} onRemove={() => set(value.filter((_, k) => k !== i))} />
          </li>
        ))}
      </ol>
      <Split hasGutter isWrappable>
        <SplitItem>
          <FormSelect id={id} value="" aria-label={`${label}: ${words.t("screen.add")}`} onChange={(_, one) => add(one)}>
            <FormSelectOption value="" label={words.t("screen.add")} isPlaceholder />
            {offered.map((group) =>
              group.label ? (
                <FormSelectOptionGroup key={group.label} label={group.label}>
                  {group.words.filter((one) => !value.includes(one)).map((one) => (
                    <FormSelectOption key={one} value={one} label={words.value(path, one) === one ? one : `${words.value(path, one)} (${one})`} />
                  ))}
                </FormSelectOptionGroup>
              ) : (
                group.words.filter((one) => !value.includes(one)).map((one) => <FormSelectOption key={one} value={one} label={words.value(path, one) === one ? one : `${words.value(path, one)} (${one})`} />)
              ),
            )}
          </FormSelect>
        </SplitItem>
        {open && (
          <SplitItem>
            <Split hasGutter>
              <TextInput aria-label={`${label}: ${words.t("screen.another")}`} placeholder={words.t("screen.another")} value={typed} onChange={(_, text) => setTyped(text)} />
              <Button
                variant="secondary"
                isDisabled={!typed.trim()}
                onClick={() => {
                  add(typed);
                  setTyped("");
                }}
              >
                {words.t("screen.addThis")}
              </Button>
            </Split>
          </SplitItem>
        )}
      </Split>
    </Row>
  );
}

/** Up, down, away: of an item of an ordered list. */
export function Moves({ name, place, of, words, onMove, onRemove }: { name: string; place: number; of: number; words: Speaker; onMove: (to: number) => void; onRemove: () => void }) {
  return (
    <span className="siegel-moves">
      <Button variant="plain" isDisabled={place === 0} aria-label={words.t("screen.up", { name })} onClick={() => onMove(place - 1)}>
        <span aria-hidden="true">↑</span>
      </Button>
      <Button variant="plain" isDisabled={place === of - 1} aria-label={words.t("screen.down", { name })} onClick={() => onMove(place + 1)}>
        <span aria-hidden="true">↓</span>
      </Button>
      <Button variant="plain" aria-label={words.t("screen.remove", { name })} onClick={onRemove}>
        <span aria-hidden="true">✕</span>
      </Button>
    </span>
  );
}

/** Texts, one a line. While somebody types, empty lines stay. */
export function LinesField({ id, label, help, fault, required, value, onChange, words }: FieldProps<readonly string[]>) {
  const [draft, setDraft] = useState<string | null>(null);
  const text = draft !== null && draft.split("\n").filter(Boolean).join("\n") === (value ?? []).join("\n") ? draft : (value ?? []).join("\n");
  return (
    <Row id={id} label={label} help={help ?? words.t("screen.onePerLine")} fault={fault} required={required}>
      <TextArea
        id={id}
        rows={Math.max(2, Math.min(6, text.split("\n").length))}
        resizeOrientation="vertical"
        spellCheck={false}
        value={text}
        validated={fault ? "error" : "default"}
        aria-describedby={`${id}-help`}
        onChange={(_, typed) => {
          setDraft(typed);
          const lines = typed.split("\n").filter(Boolean);
          onChange(lines.length === 0 ? undefined : lines);
        }}
      />
    </Row>
  );
}

/** Free keys with texts. */
export function MapField({ id, label, help, fault, value = {}, onChange, words }: FieldProps<Values>) {
  const pairs = Object.entries(value);
  const rename = (from: string, to: string) => onChange(Object.fromEntries(pairs.map(([key, text]) => [key === from ? to : key, text])));
  return (
    <Row id={id} label={label} help={help} fault={fault} group>
      <Stack hasGutter>
        {pairs.map(([key, text], i) => (
          <StackItem key={i}>
            <Split hasGutter>
              <SplitItem isFilled>
                <TextInput aria-label={`${label}: ${words.t("screen.key")} ${i + 1}`} value={key} onChange={(_, to) => !Object.hasOwn(value, to) && rename(key, to)} />
              </SplitItem>
              <SplitItem isFilled>
                <TextInput aria-label={`${label}: ${words.t("screen.value")} ${i + 1}`} value={String(text)} onChange={(_, to) => onChange(put(value, key, to))} />
              </SplitItem>
              <SplitItem>
                <Button variant="plain" aria-label={words.t("screen.remove", { name: key || String(i + 1) })} onClick={() => onChange(orNone(put(value, key, undefined)))}>
                  <span aria-hidden="true">✕</span>
                </Button>
              </SplitItem>
            </Split>
          </StackItem>
        ))}
        <StackItem>
          <Button variant="link" isInline isDisabled={Object.hasOwn(value, "")} onClick={() => onChange({ ...value, "": "" })}>
            {words.t("screen.addPair")}
          </Button>
        </StackItem>
      </Stack>
    </Row>
  );
}
