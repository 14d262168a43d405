// The ready lines for clients that a door, a code or a key comes with.
import { Content } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { type Item, text } from "../../api/rest";
import { Code } from "../../parts/Code";
import { commandsOf } from "../enrolment";

export function Lines({ item, heading }: { item: Item; heading: "h2" | "h3" }) {
  const { t } = useTranslation("enrolment");
  const commands = commandsOf(item.attributes.commands);
  return (
    <>
      {commands.map((c) => (
        <div key={c.name} className="siegel-below" data-command={c.name}>
          <Content component={heading}>{t(`commands.${c.name as "curl_enroll"}`, { defaultValue: c.name.replaceAll("_", " ") })}</Content>
          <Code label={`${text(item, "name")}: ${t(`commands.${c.name as "curl_enroll"}`, { defaultValue: c.name.replaceAll("_", " ") })}`} text={c.line} file={`${c.name}.sh`} type="text/x-shellscript" />
        </div>
      ))}
      {commands.length === 0 && <Content component="p">{t("noCommands")}</Content>}
    </>
  );
}
