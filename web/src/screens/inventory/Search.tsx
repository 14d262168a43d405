import { Button, FormSelect, FormSelectOption, HelperText, HelperTextItem, SearchInput, TextInput, ToolbarGroup, ToolbarItem } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useCas, useProfiles } from "../../api/queries";
import {
  ATTRIBUTES, ATTRIBUTE_NAMES, type Attribute, type Condition, KEY, type Op, opsOf, REASONS, SOURCES, STATES, valueOf,
} from "../inventory";
import { KEY_TYPES } from "../../keytypes";
import { wordOf } from "./words";
import { WhenInput } from "../../parts/When";

/** The values that there are of an attribute with a few. */
function useChoices(attribute: Attribute): readonly string[] {
  const cas = useCas();
  const profiles = useProfiles();
  switch (attribute) {
    case "status":
      return STATES;
    case "source":
      return SOURCES;
    case "key_type":
      return KEY_TYPES;
    case "revocation_reason":
      return REASONS;
    case "issuer":
      return (cas.data ?? []).map((one) => one.attributes?.name ?? "").filter(Boolean);
    case "profile":
      return (profiles.data ?? []).map((one) => one.attributes?.name ?? "").filter(Boolean);
    default:
      return [];
  }
}

/** Where one condition after the other is put together. */
export function Search({ onAdd, isFull }: { onAdd: (condition: Condition) => void; isFull: boolean }) {
  const { t } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const [attribute, setAttribute] = useState<Attribute>("common_name");
  const [op, setOp] = useState<Op>("contains");
  const [value, setValue] = useState("");
  const [key, setKey] = useState("");
  const [wrong, setWrong] = useState(false);
  const choices = useChoices(attribute);
  const kind = ATTRIBUTES[attribute];
  const ops = opsOf(attribute).filter((one) => one !== "in");
  const choose = (next: Attribute) => {
    setAttribute(next);
    setOp(opsOf(next)[0] ?? "eq");
    setValue("");
    setWrong(false);
  };
  const submit = (text: string) => {
    const good = valueOf(attribute, text);
    if (isFull) {
      return;
    }
    if (good === null || (kind === "metadata" && !KEY.test(key.trim()))) {
      setWrong(text !== "");
      return;
    }
    onAdd({ attribute, op: kind === "choice" ? "eq" : op, value: good, ...(kind === "metadata" ? { key: key.trim() } : {}) });
    setValue("");
    setWrong(false);
  };
  return (
    <ToolbarGroup role="search" aria-label={t("search")}>
      <ToolbarItem>
        <FormSelect aria-label={t("attribute")} value={attribute} onChange={(_, v) => choose(v as Attribute)}>
          {ATTRIBUTE_NAMES.map((a) => (
            <FormSelectOption key={a} value={a} label={t(`attributes.${a}`)} />
          ))}
        </FormSelect>
      </ToolbarItem>
      {kind === "metadata" && (
        <ToolbarItem>
          <TextInput aria-label={t("key")} placeholder={t("key")} value={key} onChange={(_, v) => setKey(v)} />
        </ToolbarItem>
      )}
      {ops.length > 1 && kind !== "choice" && (
        <ToolbarItem>
          <FormSelect aria-label={t("how")} value={op} onChange={(_, v) => setOp(v as Op)}>
            {ops.map((one) => (
              <FormSelectOption key={one} value={one} label={t(`ops.${one}`)} />
            ))}
          </FormSelect>
        </ToolbarItem>
      )}
      <ToolbarItem>
        {kind === "choice" ? (
          <FormSelect aria-label={t(`attributes.${attribute}`)} value="" onChange={(_, v) => submit(v)}>
            <FormSelectOption value="" label={t("choose")} />
            {choices.map((one) => (
              <FormSelectOption key={one} value={one} label={wordOf(base, attribute, one)} />
            ))}
          </FormSelect>
        ) : kind === "time" ? (
          <WhenInput label={t(`attributes.${attribute}`)} value={value} onChange={setValue} />
        ) : (
          <SearchInput
            aria-label={t("value")} placeholder={t("value")} value={value} onChange={(_, v) => setValue(v)} onClear={() => setValue("")}
            onSearch={() => submit(value)} submitSearchButtonLabel={t("search")} resetButtonLabel={t("remove", { what: value })}
          />
        )}
        {isFull && (
          <HelperText>
            <HelperTextItem>{t("full")}</HelperTextItem>
          </HelperText>
        )}
        {wrong && (
          <HelperText aria-live="polite">
            <HelperTextItem variant="error" screenReaderText="">{t("wrong")}</HelperTextItem>
          </HelperText>
        )}
      </ToolbarItem>
      {kind === "time" && (
        <ToolbarItem>
          <Button variant="secondary" isDisabled={!value} onClick={() => submit(value)}>
            {t("add")}
          </Button>
        </ToolbarItem>
      )}
    </ToolbarGroup>
  );
}
