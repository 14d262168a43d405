// Chooses one of a fixed list by typing a part of it, by mouse or keyboard.
import { Button, MenuToggle, Select, SelectList, SelectOption, TextInputGroup, TextInputGroupMain, TextInputGroupUtilities } from "@patternfly/react-core";
import TimesIcon from "@patternfly/react-icons/dist/esm/icons/times-icon";
import { type KeyboardEvent, useId, useState } from "react";
import { Field } from "./Field";

export interface Chance {
  value: string;
  label: string;
}

/** Those in which each word that was typed occurs, in the label or the value. */
export function fitting(choices: readonly Chance[], typed: string): Chance[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return choices.filter((c) => words.every((word) => `${c.label} ${c.value}`.toLowerCase().includes(word)));
}

interface Props {
  label: string;
  help?: string;
  value: string;
  onChange: (value: string) => void;
  choices: readonly Chance[];
  /** What is said where nothing is chosen, where nothing fits, and of the button that takes the choice away. */
  words: { any: string; none: string; clear: string };
}

export function Choose({ label, help, value, onChange, choices, words }: Props) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState<string | null>(null);
  const [active, setActive] = useState<number | null>(null);
  const fits = fitting(choices, typed ?? "");
  const chosen = choices.find((c) => c.value === value);
  const shut = () => {
    setOpen(false);
    setTyped(null);
    setActive(null);
  };
  const choose = (one: string) => {
    onChange(one);
    shut();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setOpen(true);
      setActive(fits.length > 0 ? ((active ?? (step > 0 ? -1 : 0)) + step + fits.length) % fits.length : null);
    } else if (event.key === "Enter" && open) {
      event.preventDefault();
      const one = fits[active ?? (fits.length === 1 ? 0 : -1)];
      if (one) {
        choose(one.value);
      }
    } else if (event.key === "Escape" && open) {
      event.stopPropagation();
      shut();
    } else if (event.key === "Tab") {
      shut();
    }
  };
  return (
    <Field id={id} label={label} help={help}>
      <Select
        isOpen={open}
        selected={value}
        variant="typeahead"
        isScrollable
        popperProps={{ appendTo: "inline" }}
        onOpenChange={(to) => (to ? setOpen(true) : shut())}
        onSelect={(_, one) => typeof one === "string" && one !== "" && choose(one)}
        toggle={(ref) => (
          <MenuToggle ref={ref} variant="typeahead" aria-label={label} onClick={() => (open ? shut() : setOpen(true))} isExpanded={open} isFullWidth>
            <TextInputGroup isPlain>
              <TextInputGroupMain
                inputId={id}
                value={typed ?? chosen?.label ?? value}
                placeholder={words.any}
                autoComplete="off"
                role="combobox"
                isExpanded={open}
                aria-controls={`${id}-list`}
                aria-label={label}
                aria-activedescendant={active !== null ? `${id}-${active}` : undefined}
                inputProps={{ "aria-describedby": help ? `${id}-help` : undefined }}
                onClick={() => setOpen(true)}
                onChange={(_, text) => {
                  setTyped(text);
                  setActive(null);
                  setOpen(true);
                }}
                onKeyDown={onKeyDown}
              />
              {value !== "" && (
                <TextInputGroupUtilities>
                  <Button variant="plain" icon={<TimesIcon />} aria-label={`${words.clear}: ${label}`} onClick={() => choose("")} />
                </TextInputGroupUtilities>
              )}
            </TextInputGroup>
          </MenuToggle>
        )}
      >
        <SelectList id={`${id}-list`} aria-label={label}>
          {fits.map((one, i) => (
            <SelectOption key={one.value} id={`${id}-${i}`} value={one.value} isFocused={active === i}>
              {one.label}
            </SelectOption>
          ))}
          {fits.length === 0 && (
            <SelectOption isDisabled value="">
              {words.none}
            </SelectOption>
          )}
        </SelectList>
      </Select>
    </Field>
  );
}
