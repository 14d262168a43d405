// One setting of siegel.conf: typed by what it is, with its bounds; the line that says it, and what is to be restarted. The file itself is changed on the machine.
import { Button, Content } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Item } from "../api/rest";
import { text } from "../api/rest";
import { useBuiltin } from "../i18n/say";
import { Code } from "../parts/Code";
import { Dialog, TextField } from "../parts/kit";
import { confOf, lengthOfSeconds, settingFault } from "./settings";

export function Setting({ setting, onClose }: { setting: Item; onClose: () => void }) {
  const { t } = useTranslation("settings");
  const say = useBuiltin("options");
  const standard = text(setting, "default");
  const now = setting.attributes.value === null ? "" : text(setting, "value");
  const [value, setValue] = useState(now);
  const type = text(setting, "value_type");
  const fault = settingFault(setting, value);
  const shown = standard || t("none");
  const length = text(setting, "key").endsWith("_sec") && !fault ? lengthOfSeconds(Number(value)) : null;
  const help = type === "number" ? t("between", { from: setting.attributes.minimum, to: setting.attributes.maximum, standard: shown }) : t(type === "path" ? "pathOf" : "textOf", { standard: shown });
  const restart = text(setting, "restart");
  const isStandard = value.trim() === standard;
  return (
    <Dialog title={t("change", { name: setting.id })} action={t("close")} busy={false} error={null} onClose={onClose} onDo={onClose}>
      <Content component="p">{say(text(setting, "text"))}</Content>
      <TextField label={t("wanted")} help={[help, length ? t("seconds", { length: t(`lengths.${length.unit}`, { count: length.count }) }) : ""].filter(Boolean).join(" ")} value={value} onChange={setValue} error={fault ? help : undefined} />
      <div>
        <Button variant="link" isInline isDisabled={isStandard} onClick={() => setValue(standard)}>
          {t("toStandard")}
        </Button>
      </div>
      {!fault && value.trim() !== now && (
        <>
          <Content component="p">{isStandard ? t("dropLine", { key: text(setting, "key"), section: text(setting, "section") }) : t("lineText")}</Content>
          {!isStandard && <Code label={t("line")} text={confOf(setting, value)} file="siegel.conf" type="text/plain" />}
        </>
      )}
      <Content component="p">{restart === "" ? t("restartNone") : restart === "all" ? t("restartAll") : t("restartOne", { service: restart })}</Content>
    </Dialog>
  );
}
