import {
  Button, Checkbox, Divider, Dropdown, DropdownItem, DropdownList, Form, FormGroup, Label, MenuToggle, ModalBody, ModalFooter, ModalHeader, Stack, StackItem, Switch,
  TextInput,
} from "@patternfly/react-core";
import { Table, Tbody, Td, Tr } from "@patternfly/react-table";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { type SavedQuery, useChangeSaved, useSavedQueries } from "../../api/certificates";
import { useRights } from "../../api/session";
import { ErrorAlert } from "../../parts/ErrorAlert";
import { Modal } from "../../parts/Modal";
import { addressOfSaved } from "../inventory";

/** The page's address of a saved query. */
export const addressOf = (q: SavedQuery): string => addressOfSaved(q.attributes.query, q.attributes.columns);

interface Now {
  query: Record<string, string>;
  columns: string[];
}

function Save({ now, onClose }: { now: Now; onClose: () => void }) {
  const { t } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const may = useRights().includes("metadata.write");
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const change = useChangeSaved(onClose);
  const submit = () => change.mutate({ make: { name: name.trim(), query: now.query, columns: now.columns, shared } });
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="save-title" aria-describedby="save-text">
      <ModalHeader title={t("saved.title")} labelId="save-title" description={t("saved.text")} descriptorId="save-text" />
      <ModalBody>
        <ErrorAlert error={change.error} labels={{ name: t("saved.name"), shared: t("saved.share") }} />
        <Form
          id="save-form"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <FormGroup label={t("saved.name")} fieldId="save-name" isRequired>
            <TextInput id="save-name" value={name} maxLength={100} onChange={(_, v) => setName(v)} />
          </FormGroup>
          {may && <Checkbox id="save-shared" label={t("saved.share")} isChecked={shared} onChange={(_, on) => setShared(on)} />}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="save-form" isDisabled={!name.trim() || change.isPending} isLoading={change.isPending}>
          {t("saved.submit")}
        </Button>
        <Button variant="link" onClick={onClose}>
          {base("common.cancel")}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

function Row({ one, onOpen }: { one: SavedQuery; onOpen: () => void }) {
  const { t } = useTranslation("inventory");
  const rights = useRights();
  const [name, setName] = useState(one.attributes.name);
  const change = useChangeSaved();
  const a = one.attributes;
  return (
    <Tr>
      <Td dataLabel={t("saved.name")} modifier="breakWord">
        {a.own ? (
          <TextInput aria-label={t("saved.renameOne", { name: a.name })} value={name} maxLength={100} onChange={(_, v) => setName(v)} />
        ) : (
          <>
            {a.name} <Label isCompact>{t("saved.by", { name: a.account })}</Label>
          </>
        )}
        <ErrorAlert error={change.error} labels={{ name: t("saved.name") }} />
      </Td>
      <Td>
        {a.own && (
          <Button variant="secondary" isDisabled={!name.trim() || name.trim() === a.name || change.isPending} onClick={() => change.mutate({ change: one, to: { name: name.trim() } })}>
            {t("saved.rename")}
          </Button>
        )}
      </Td>
      <Td dataLabel={t("saved.shared")}>
        {a.own && rights.includes("metadata.write") && (
          <Switch
            id={`share-${one.id}`} aria-label={t("saved.shareOne", { name: a.name })} isChecked={a.shared}
            onChange={(_, shared) => change.mutate({ change: one, to: { shared } })}
          />
        )}
      </Td>
      <Td>
        <Link to={addressOf(one)} onClick={onOpen}>
          {t("saved.open")}
        </Link>
      </Td>
      <Td>
        {(a.own || rights.includes("accounts.manage")) && (
          <Button variant="link" isDanger isInline aria-label={t("saved.deleteOne", { name: a.name })} isDisabled={change.isPending} onClick={() => change.mutate({ remove: one })}>
            {t("saved.delete")}
          </Button>
        )}
      </Td>
    </Tr>
  );
}

function Manage({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const queries = useSavedQueries();
  const all = queries.data ?? [];
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-labelledby="manage-title">
      <ModalHeader title={t("saved.manageTitle")} labelId="manage-title" />
      <ModalBody>
        <Stack hasGutter>
          <StackItem>
            <ErrorAlert error={queries.error} />
            {queries.data && all.length === 0 && t("saved.none")}
          </StackItem>
          {all.length > 0 && (
            <StackItem>
              <Table aria-label={t("saved.manageTitle")} variant="compact" borders={false}>
                <Tbody>
                  {all.map((one) => (
                    <Row key={`${one.id}-${one.attributes.version}`} one={one} onOpen={onClose} />
                  ))}
                </Tbody>
              </Table>
            </StackItem>
          )}
        </Stack>
      </ModalBody>
      <ModalFooter>
        <Button variant="secondary" onClick={onClose}>
          {base("common.close")}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

/** Queries that are kept: picked, made, looked after. */
export function Saved({ now, onPick }: { now: Now; onPick: (address: string) => void }) {
  const { t } = useTranslation("inventory");
  const queries = useSavedQueries();
  const [open, setOpen] = useState(false);
  const [dialog, setDialog] = useState<"save" | "manage" | null>(null);
  const opened = useRef(false);
  // What opened the dialog was in the menu, which is gone: the focus goes back to the button of that.
  useEffect(() => {
    if (dialog === null && opened.current) {
      document.getElementById("saved-queries")?.focus();
    }
    opened.current = dialog !== null;
  }, [dialog]);
  return (
    <>
      <Dropdown
        isOpen={open}
        onOpenChange={setOpen}
        onSelect={() => setOpen(false)}
        isScrollable
        toggle={(ref) => (
          <MenuToggle ref={ref} id="saved-queries" onClick={() => setOpen(!open)} isExpanded={open}>
            {t("saved.button")}
          </MenuToggle>
        )}
      >
        <DropdownList>
          {queries.data?.length === 0 && (
            <DropdownItem key="none" isDisabled>
              {t("saved.none")}
            </DropdownItem>
          )}
          {(queries.data ?? []).map((one) => (
            <DropdownItem key={one.id} onClick={() => onPick(addressOf(one))} description={one.attributes.own ? undefined : t("saved.by", { name: one.attributes.account })}>
              {one.attributes.name}
            </DropdownItem>
          ))}
          <Divider component="li" key="line" />
          <DropdownItem key="save" onClick={() => setDialog("save")}>
            {t("saved.save")}
          </DropdownItem>
          <DropdownItem key="manage" onClick={() => setDialog("manage")}>
            {t("saved.manage")}
          </DropdownItem>
        </DropdownList>
      </Dropdown>
      {dialog === "save" && <Save now={now} onClose={() => setDialog(null)} />}
      {dialog === "manage" && <Manage onClose={() => setDialog(null)} />}
    </>
  );
}
