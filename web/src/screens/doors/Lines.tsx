// The ready lines for clients that a door, a code or a key comes with, and what they need before they can run.
import { Button, Content } from "@patternfly/react-core";
import DownloadIcon from "@patternfly/react-icons/dist/esm/icons/download-icon";
import { useTranslation } from "react-i18next";
import { useAll } from "../../api/hooks";
import { type Item, text } from "../../api/rest";
import { Code } from "../../parts/Code";
import { download } from "../../parts/download";
import { commandsOf, nameOfDevice, type Need, needsOf, requestLine, rootsOf } from "../enrolment";


function Root() {
  const { t } = useTranslation("enrolment");
  const cas = useAll("/cas");
  return (
    <>
      {t("needs.root")}{" "}
      {rootsOf(cas.data ?? []).map((ca) => (
        <Button
          key={ca.id}
          variant="link"
          isInline
          icon={<DownloadIcon />}
          aria-label={t("rootOf", { name: text(ca, "name") })}
          className="siegel-root"
          onClick={() => download("root.pem", text(ca, "pem"), "application/x-pem-file")}
        >
          {text(ca, "name")}
        </Button>
      ))}
    </>
  );
}

function Needs({ needs, name, heading }: { name: string; needs: readonly Need[]; heading: "h2" | "h3" }) {
  const { t } = useTranslation("enrolment");
  return (
    <div className="siegel-below" data-needs={needs.join(" ")}>
      <Content component={heading}>{t("needed")}</Content>
      <Content component="ul">
        {needs.map((need) => (
          <Content key={need} component="li">
            {need === "root" ? <Root /> : t(`needs.${need}`, { name: nameOfDevice(name) })}
            {need === "csr" && <Code label={t("needs.csr")} text={requestLine(name, "device")} file="request.sh" type="text/x-shellscript" />}
            {need === "next" && <Code label={t("needs.next")} text={requestLine(name, "next")} file="next.sh" type="text/x-shellscript" />}
          </Content>
        ))}
      </Content>
    </div>
  );
}

export function Lines({ item, heading }: { item: Item; heading: "h2" | "h3" }) {
  const { t } = useTranslation("enrolment");
  const commands = commandsOf(item.attributes.commands);
  const needs = needsOf(commands);
  return (
    <>
      {needs.length > 0 && <Needs needs={needs} name={text(item, "common_name")} heading={heading} />}
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
