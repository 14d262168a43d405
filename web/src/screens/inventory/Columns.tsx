import { Button, Checkbox, Form, FormGroup, InputGroup, InputGroupItem, ModalBody, ModalFooter, ModalHeader, Stack, StackItem, TextInput } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { COLUMNS, type Column, FIRST_COLUMNS, KEY } from "../inventory";
import { columnWord } from "./words";
import { Modal } from "../../parts/Modal";

/** Which columns are shown, and in which order: that in which they are offered. */
export function Columns({ chosen, onChoose, onClose }: { chosen: Column[]; onChoose: (columns: Column[]) => void; onClose: () => void }) {
  const { t } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const [now, setNow] = useState(chosen);
  const [key, setKey] = useState("");
  const keys = [...new Set([...chosen, ...now].filter((c) => c.startsWith("metadata.")))];
  const offered: Column[] = [...COLUMNS, ...keys];
  const toggle = (column: Column, on: boolean) => setNow(on ? offered.filter((c) => c === column || now.includes(c)) : now.filter((c) => c !== column));
  const more = () => {
    if (KEY.test(key.trim())) {
      const column: Column = `metadata.${key.trim()}`;
      setNow(now.includes(column) ? now : [...now, column]);
      setKey("");
    }
  };
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="columns-title" aria-describedby="columns-text">
      <ModalHeader title={t("columns.title")} labelId="columns-title" description={t("columns.text")} descriptorId="columns-text" />
      <ModalBody>
        <Stack hasGutter>
          <StackItem>
            <div className="siegel-columns">
              {offered.map((c) => (
                <Checkbox
                  key={c} id={`column-${c}`} label={columnWord(t, c)} isChecked={now.includes(c)} isDisabled={c === "common_name"}
                  onChange={(_, on) => toggle(c, on)}
                />
              ))}
            </div>
          </StackItem>
          <StackItem>
            <Form
              onSubmit={(event) => {
                event.preventDefault();
                more();
              }}
            >
              <FormGroup label={t("columns.metadata")} fieldId="column-key">
                <InputGroup>
                  <InputGroupItem isFill>
                    <TextInput id="column-key" value={key} onChange={(_, v) => setKey(v)} validated={key && !KEY.test(key.trim()) ? "error" : "default"} />
                  </InputGroupItem>
                  <InputGroupItem>
                    <Button variant="secondary" onClick={more}>
                      {t("columns.add")}
                    </Button>
                  </InputGroupItem>
                </InputGroup>
              </FormGroup>
            </Form>
          </StackItem>
        </Stack>
      </ModalBody>
      <ModalFooter>
        <Button
          onClick={() => {
            onChoose(now);
            onClose();
          }}
        >
          {t("columns.apply")}
        </Button>
        <Button variant="secondary" onClick={() => setNow(FIRST_COLUMNS)}>
          {t("columns.reset")}
        </Button>
        <Button variant="link" onClick={onClose}>
          {base("common.cancel")}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
