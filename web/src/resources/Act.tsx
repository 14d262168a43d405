// What can be done with a thing, or with many: a menu, and a dialog with the form of what it wants to know.
import {
  Button,
  Content,
  Dropdown,
  DropdownItem,
  DropdownList,
  MenuToggle,
  ModalBody,
  ModalFooter,
  ModalHeader,
} from "@patternfly/react-core";
import EllipsisVIcon from "@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useChange } from "../api/hooks";
import type { Outcome } from "../api/rest";
import { useRights } from "../api/session";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Done } from "../parts/kit";
import { carryOut } from "./api";
import { ResourceForm } from "./Form";
import { isFixed, labelOf, onceOf, type Operation, permitted, resourceOf, type ResourceName, type Thing } from "./model";
import { Once } from "./Once";
import { useForm } from "./useForm";
import { Json } from "./Value";
import { useWords } from "./words";
import { Modal } from "../parts/Modal";

/** What can't be taken back, or takes something from somebody. */
const GRAVE = ["revoke", "retire", "reject", "cancel", "reset_second_factor", "disable", "withdraw"];

interface Doing {
  resource: ResourceName;
  name: string;
  operation: Operation;
  thing?: Thing;
  onClose: () => void;
  onDone?: (said: string) => void;
}

/** Neither others nor a job have a say any more. */
export function isDone(outcome: Outcome<unknown>): boolean {
  return outcome.approval === null && outcome.job === null;
}

/** What came of it: a result to look at, or secrets that are shown this once. */
function Result({ resource, operation, thing }: { resource: ResourceName; operation: Operation; thing: Thing }) {
  const words = useWords();
  const own = resourceOf(resource).types.includes(thing.type);
  const trial = ["evaluate", "dry_run", "choose", "advise_renewal", "update", "verify", "check"].includes(operation.type ?? "");
  const shown = onceOf(resource, thing);
  if (trial || own) {
    return trial ? (
      <>
        <Content component="h2" className="siegel-small">{words.t("screen.result")}</Content>
        <Json value={thing.attributes} />
      </>
    ) : (
      <Once resource={resource} shown={shown} />
    );
  }
  return <Once resource={resource} shown={Object.entries(thing.attributes ?? {}).filter(([, value]) => value !== null && value !== "")} />;
}

/** What there is to show once it is done. */
function resultOf(resource: ResourceName, outcome: Outcome<Thing>): Thing | null {
  const { item } = outcome;
  if (!item || !isDone(outcome)) {
    return null;
  }
  const own = resourceOf(resource).types.includes(item.type);
  return (own ? onceOf(resource, item).length : Object.keys(item.attributes ?? {}).length) > 0 ? item : null;
}

export function ActionDialog({ resource, name, operation, thing, onClose, onDone }: Doing) {
  const { t } = useTranslation();
  const words = useWords();
  const id = useId();
  const [outcome, setOutcome] = useState<Outcome<Thing> | null>(null);
  const action = words.action(resource, name);
  const form = useForm({
    operation,
    thing,
    onOutcome: (what) => {
      if (isDone(what) && !resultOf(resource, what)) {
        onDone?.(words.t("screen.done", { what: action.title }));
        onClose();
      } else {
        setOutcome(what);
      }
    },
  });
  const result = outcome && resultOf(resource, outcome);
  const title = thing ? `${action.title}: ${labelOf(thing)}` : action.title;
  return (
    <Modal isOpen variant={outcome || Object.keys(form.fields).length > 3 ? "medium" : "small"} onClose={onClose} aria-labelledby={`${id}-title`} aria-describedby={`${id}-body`}>
      <ModalHeader title={title} labelId={`${id}-title`} />
      <ModalBody id={`${id}-body`}>
        {outcome ? (
          <>
            <Done outcome={outcome} />
            {result && <Result resource={resource} operation={operation} thing={result} />}
          </>
        ) : (
          <>
            <Content component="p">{action.text}</Content>
            <ResourceForm resource={resource} operation={operation} form={form} id={`${id}-form`} />
          </>
        )}
      </ModalBody>
      <ModalFooter>
        {outcome ? (
          <Button onClick={onClose}>{t("common.close")}</Button>
        ) : (
          <>
            <Button
              variant={GRAVE.includes(name) ? "danger" : "primary"}
              isLoading={form.sending.isPending}
              isDisabled={form.sending.isPending}
              spinnerAriaLabel={t("app.loading")}
              onClick={form.submit}
            >
              {action.title}
            </Button>
            <Button variant="link" onClick={onClose}>
              {t("common.cancel")}
            </Button>
          </>
        )}
      </ModalFooter>
    </Modal>
  );
}

export function RemoveDialog({ operation, thing, onClose, onDone }: Omit<Doing, "name" | "resource"> & { thing: Thing }) {
  const { t } = useTranslation();
  const words = useWords();
  const id = useId();
  const [outcome, setOutcome] = useState<Outcome<Thing> | null>(null);
  const remove = useChange(
    () => carryOut(operation, { id: thing.id }),
    (what) => {
      if (isDone(what)) {
        onDone?.(words.t("screen.removed"));
        onClose();
      } else {
        setOutcome(what);
      }
    },
  );
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby={`${id}-title`} aria-describedby={`${id}-body`}>
      <ModalHeader title={words.t("screen.removeThis", { name: labelOf(thing) })} titleIconVariant="warning" labelId={`${id}-title`} />
      <ModalBody id={`${id}-body`}>
        <ErrorAlert error={remove.error} />
        {outcome ? <Done outcome={outcome} /> : <Content component="p">{words.t("screen.removeText")}</Content>}
      </ModalBody>
      <ModalFooter>
        {!outcome && (
          <Button variant="danger" isLoading={remove.isPending} isDisabled={remove.isPending} spinnerAriaLabel={t("app.loading")} onClick={() => remove.mutate()}>
            {words.t("screen.remove")}
          </Button>
        )}
        <Button variant="link" onClick={onClose}>
          {t(outcome ? "common.close" : "common.cancel")}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

/** What may be done with it, or with many, by the session's rights: the names of actions, and "remove". */
export function useActions(resource: ResourceName, thing: Thing | undefined): [string, Operation][] {
  const rights = useRights();
  const table = resourceOf(resource);
  if (thing && isFixed(thing)) {
    return [];
  }
  const all: [string, Operation | undefined][] = thing ? [...Object.entries(table.actions), ["remove", table.remove]] : Object.entries(table.wide);
  return all.filter((one): one is [string, Operation] => permitted(one[1], rights));
}

/** The dialog of one of them. */
export function Doing({ resource, name, operation, thing, onClose, onDone }: Doing) {
  return name === "remove" && thing ? (
    <RemoveDialog operation={operation} thing={thing} onClose={onClose} onDone={onDone} />
  ) : (
    <ActionDialog resource={resource} name={name} operation={operation} thing={thing} onClose={onClose} onDone={onDone} />
  );
}

/** Of one thing, or without one of the whole list. */
export function ActionMenu({ resource, thing }: { resource: ResourceName; thing?: Thing }) {
  const words = useWords();
  const navigate = useNavigate();
  const rights = useRights();
  const [open, setOpen] = useState(false);
  const [doing, setDoing] = useState<[string, Operation] | null>(null);
  const actions = useActions(resource, thing);
  const edit = thing && !isFixed(thing) && permitted(resourceOf(resource).update, rights);
  if (actions.length === 0 && !edit) {
    return null;
  }
  const title = (name: string) => (name === "remove" ? words.t("screen.remove") : words.action(resource, name).title);
  const label = thing ? labelOf(thing) : words.resource(resource).title;
  return (
    <>
      <Dropdown
        isOpen={open}
        onOpenChange={setOpen}
        onSelect={() => setOpen(false)}
        popperProps={{ position: "right" }}
        toggle={(ref) => (
          <MenuToggle
            ref={ref}
            variant="plain"
            isExpanded={open}
            icon={<EllipsisVIcon />}
            aria-label={`${words.t("screen.run")}: ${label}`}
            onClick={() => setOpen(!open)}
          />
        )}
      >
        <DropdownList>
          {edit && (
            <DropdownItem key="edit" onClick={() => void navigate(`/r/${resource}/${encodeURIComponent(thing.id)}/edit`)}>
              {words.t("screen.edit")}
            </DropdownItem>
          )}
          {actions.map(([name, operation]) => (
            <DropdownItem key={name} isDanger={name === "remove" || GRAVE.includes(name)} onClick={() => setDoing([name, operation])}>
              {title(name)}
            </DropdownItem>
          ))}
        </DropdownList>
      </Dropdown>
      {doing && <Doing resource={resource} name={doing[0]} operation={doing[1]} thing={thing} onClose={() => setDoing(null)} />}
    </>
  );
}
