// The ready lines for clients that a door, a code or a key comes with, and what they need before they can run.
import { Button, Content } from "@patternfly/react-core";
import DownloadIcon from "@patternfly/react-icons/dist/esm/icons/download-icon";
import { useTranslation } from "react-i18next";
import { useAll } from "../../api/hooks";
import { type Item, related, text } from "../../api/rest";
import { Code } from "../../parts/Code";
import { download } from "../../parts/download";
import { commandsOf, type Door, keyFor, keyLine, nameOfDevice, type Need, needsOf, requestLine, rootsOf } from "../enrolment";

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

/** The kind of key for what these lines are of: a door, or a code for one. */
function useKey(item: Item): string {
  const way = item.type !== "enrollment_codes" ? null : related(item, "est_label") ? "est_labels" : "scep_profiles";
  const doors = useAll(`/${way ?? "est_labels"}`, way !== null);
  const profiles = useAll("/profiles");
  const id = related(item, way === "est_labels" ? "est_label" : "scep_profile");
  const door = way ? doors.data?.find((one) => one.id === id) : item;
  const profile = door && related(door, "profile");
  return keyFor(profiles.data?.find((one) => one.id === profile), way ?? (item.type as Door));
}

function Needs({ needs, item, heading }: { needs: readonly Need[]; item: Item; heading: "h2" | "h3" }) {
  const { t } = useTranslation("enrolment");
  const key = useKey(item);
  const name = text(item, "common_name");
  const said = (need: Need) => (need === "csr" && nameOfDevice(name) === name ? t("needs.csrBound") : t(`needs.${need}`, { name: nameOfDevice(name) }));
  const lines: Partial<Record<Need, [string, string]>> = {
    csr: [requestLine(name, "device", key), "request.sh"],
    key: [keyLine("device", key), "key.sh"],
    next: [requestLine(name, "next", key), "next.sh"],
    nextKey: [keyLine("next", key), "next_key.sh"],
  };
  return (
    <div className="siegel-below" data-needs={needs.join(" ")}>
      <Content component={heading}>{t("needed")}</Content>
      <Content component="ul">
        {needs.map((need) => {
          const [line, file] = lines[need] ?? [];
          return (
            <Content key={need} component="li" data-need={need}>
              {need === "root" ? <Root /> : said(need)}
              {line && file && <Code label={said(need)} text={line} file={file} type="text/x-shellscript" />}
            </Content>
          );
        })}
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
      {needs.length > 0 && <Needs needs={needs} item={item} heading={heading} />}
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
