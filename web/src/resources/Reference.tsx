// Chooses one or many members of a resource by typing: nobody has to know an id.
import {
  Button,
  Label,
  LabelGroup,
  MenuToggle,
  Select,
  SelectList,
  SelectOption,
  Spinner,
  TextInputGroup,
  TextInputGroupMain,
  TextInputGroupUtilities,
} from "@patternfly/react-core";
import TimesIcon from "@patternfly/react-icons/dist/esm/icons/times-icon";
import { useEffect, useState } from "react";
import { foundBy, useOptions } from "./api";
import type { Choice } from "./typed";
import { labelOf, type ResourceName, type Thing, wordOf } from "./model";
import { useWords } from "./words";

/** Doesn't ask for every letter. */
function useLater(text: string): string {
  const [later, setLater] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setLater(text), 200);
    return () => clearTimeout(timer);
  }, [text]);
  return later;
}

/** Those that fit what is typed; busy: those that are shown fit what was typed before. */
function useFitting(of: ResourceName, typed: string, open: boolean, textOf: (thing: Thing) => string) {
  const later = useLater(typed);
  const found = useOptions(of, later, open);
  const searched = foundBy(of) !== undefined;
  const text = typed.trim().toLowerCase();
  const fit = (found.data?.things ?? []).filter((thing) => searched || `${thing.id} ${textOf(thing)}`.toLowerCase().includes(text));
  return { found, fit, busy: found.isFetching || (searched && later !== typed) };
}

interface Arrows {
  things: readonly Thing[];
  active: number | null;
  setActive: (i: number | null) => void;
  open: boolean;
  setOpen: (open: boolean) => void;
  choose: (thing: Thing) => void;
  shut: () => void;
}

/** The list by keys: up and down round it, Enter takes, Escape and Tab leave. */
function onKeys({ things, active, setActive, open, setOpen, choose, shut }: Arrows) {
  return (event: React.KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setOpen(true);
      setActive(things.length > 0 ? ((active ?? (step > 0 ? -1 : 0)) + step + things.length) % things.length : null);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const thing = things[active ?? (things.length === 1 ? 0 : -1)];
      if (open && thing) {
        choose(thing);
      } else {
        setOpen(true);
      }
    } else if (event.key === "Escape" && open) {
      event.stopPropagation();
      shut();
    } else if (event.key === "Tab") {
      shut();
    }
  };
}

interface Props {
  id: string;
  label: string;
  of: ResourceName;
  /** By id, as relationships want it; else by name. */
  byId: boolean;
  chosen: Choice | null;
  onChoose: (choice: Choice | null) => void;
  wrong?: boolean;
  describedBy?: string;
  /** Left out of what is offered. */
  without?: readonly string[];
  /** Of a list: what is chosen goes elsewhere. */
  clears?: boolean;
}

export function Reference({ id, label, of, byId, chosen, onChoose, wrong, describedBy, without = [], clears }: Props) {
  const words = useWords();
  const { t } = words;
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState<string | null>(null);
  const [active, setActive] = useState<number | null>(null);
  const valueOf = (thing: Thing) => (byId ? thing.id : wordOf(of, thing));
  const textOf = (thing: Thing) => (of === "rights" ? words.right(thing.id) : labelOf(thing));
  const { found, fit, busy } = useFitting(of, typed ?? "", open, textOf);
  const things = fit.filter((thing) => !without.includes(valueOf(thing)));
  const optionId = (i: number) => `${id}-option-${i}`;
  const shut = () => {
    setOpen(false);
    setTyped(null);
    setActive(null);
  };
  const choose = (thing: Thing) => {
    onChoose({ value: valueOf(thing), label: textOf(thing) });
    shut();
  };
  const onKeyDown = onKeys({ things, active, setActive, open, setOpen, choose, shut });
  return (
    <Select
      isOpen={open}
      selected={chosen?.value}
      onOpenChange={(to) => (to ? setOpen(true) : shut())}
      onSelect={(_, value) => {
        const thing = things.find((one) => valueOf(one) === value);
        if (thing) {
          choose(thing);
        }
      }}
      variant="typeahead"
      isScrollable
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          variant="typeahead"
          aria-label={label}
          onClick={() => (open ? shut() : setOpen(true))}
          isExpanded={open}
          isFullWidth
          status={wrong ? "danger" : undefined}
        >
          <TextInputGroup isPlain>
            <TextInputGroupMain
              inputId={id}
              value={typed ?? (clears ? "" : (chosen?.label ?? ""))}
              placeholder={t("screen.search")}
              autoComplete="off"
              role="combobox"
              isExpanded={open}
              aria-controls={`${id}-list`}
              aria-label={label}
              aria-activedescendant={active !== null ? optionId(active) : undefined}
              inputProps={{ "aria-describedby": describedBy, "aria-invalid": wrong }}
              onClick={() => setOpen(true)}
              onChange={(_, text) => {
                setTyped(text);
                setActive(null);
                setOpen(true);
              }}
              onKeyDown={onKeyDown}
            />
            {chosen && !clears && (
              <TextInputGroupUtilities>
                <Button variant="plain" icon={<TimesIcon />} aria-label={`${t("screen.takeAway")}: ${label}`} onClick={() => onChoose(null)} />
              </TextInputGroupUtilities>
            )}
          </TextInputGroup>
        </MenuToggle>
      )}
    >
      <SelectList id={`${id}-list`} aria-label={label} aria-busy={busy}>
        {things.map((thing, i) => (
          <SelectOption key={thing.id} id={optionId(i)} value={valueOf(thing)} isFocused={active === i} description={description(thing, textOf(thing))}>
            {textOf(thing)}
          </SelectOption>
        ))}
        {found.isPending && (
          <SelectOption isDisabled value="">
            <Spinner size="md" aria-label={t("screen.search")} />
          </SelectOption>
        )}
        {found.data && things.length === 0 && (
          <SelectOption isDisabled value="">
            {t("screen.nothingFound")}
          </SelectOption>
        )}
        {found.data?.more && (
          <SelectOption isDisabled value="">
            {t("screen.more")}
          </SelectOption>
        )}
      </SelectList>
    </Select>
  );
}

/** What tells things of a like name apart. */
function description(thing: Thing, label: string): string | undefined {
  const { title, subject } = thing.attributes ?? {};
  const text = [title, subject, thing.type.startsWith("cert") ? thing.id : null].find((one) => typeof one === "string" && one && one !== label);
  return typeof text === "string" ? text : undefined;
}

/** Many of them, as a list that grows by choosing. */
export function References({ id, label, of, chosen, onChange, describedBy, wrong }: {
  id: string;
  label: string;
  of: ResourceName;
  chosen: string[];
  onChange: (chosen: string[]) => void;
  describedBy?: string;
  wrong?: boolean;
}) {
  const words = useWords();
  return (
    <>
      {chosen.length > 0 && (
        <LabelGroup numLabels={30} aria-label={label} className="siegel-chosen">
          {chosen.map((one) => (
            <Label
              key={one}
              variant="outline"
              closeBtnAriaLabel={`${words.t("screen.takeAway")}: ${one}`}
              onClose={() => onChange(chosen.filter((other) => other !== one))}
            >
              {of === "rights" ? words.right(one) : one}
            </Label>
          ))}
        </LabelGroup>
      )}
      <Reference
        id={id}
        label={label}
        of={of}
        byId={false}
        chosen={null}
        clears
        without={chosen}
        wrong={wrong}
        describedBy={describedBy}
        onChoose={(choice) => choice && onChange([...chosen, choice.value])}
      />
    </>
  );
}
