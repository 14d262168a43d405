import { TextInput } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "./Field";
import { readWhen, shownWhen, wayOfWhen } from "./when";

interface Props {
  id?: string;
  label: string;
  /** 2030-01-31, with a time 2030-01-31T10:20 in the browser's own time; "": none. */
  value: string;
  onChange: (value: string) => void;
  time?: boolean;
  wrong?: boolean;
  describedBy?: string;
}

/** A date, or an instant, typed in the way of the console's language: the browser's own fields follow the browser's. */
export function WhenInput({ id, label, value, onChange, time = false, wrong, describedBy }: Props) {
  const { i18n } = useTranslation();
  const language = i18n.language;
  const [typed, setTyped] = useState<string | null>(null);
  // What comes from elsewhere is shown; what is being typed stays as it is.
  const shown = typed !== null && (readWhen(language, typed, time) ?? "") === value ? typed : shownWhen(language, value);
  const bad = shown.trim() !== "" && readWhen(language, shown, time) === null;
  return (
    <TextInput
      id={id}
      type="text"
      inputMode="text"
      autoComplete="off"
      spellCheck={false}
      aria-label={id ? undefined : `${label}, ${wayOfWhen(language, time)}`}
      placeholder={wayOfWhen(language, time)}
      value={shown}
      validated={bad || wrong ? "error" : "default"}
      aria-describedby={describedBy}
      onChange={(_, text) => {
        setTyped(text);
        onChange(readWhen(language, text, time) ?? "");
      }}
      onBlur={() => !bad && setTyped(null)}
    />
  );
}

/** The same as a field of a form, with the way to type it below. */
export function WhenField({ label, help, value, onChange, id }: { label: string; help?: string; value: string; onChange: (value: string) => void; id: string }) {
  const { i18n } = useTranslation();
  const way = wayOfWhen(i18n.language, true);
  return (
    <Field id={id} label={label} help={help ? `${way}. ${help}` : way}>
      <WhenInput id={id} label={label} value={value} onChange={onChange} time describedBy={`${id}-help`} />
    </Field>
  );
}
