// How devices get certificates by themselves: the doors of EST, SCEP and ACME with the lines that a device begins with, and one-time codes.
import { Button, Card, CardBody, CardTitle, Checkbox, Content, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, ExpandableSection, FormGroup, Label, PageSection, Skeleton, Stack, StackItem, Tab, Tabs, TabTitleText } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { useAll, usePages, useSend } from "../api/hooks";
import { type Item, type Outcome, related, text } from "../api/rest";
import { useMay } from "../api/session";
import { instant } from "../format";
import { useBuiltin } from "../i18n/say";
import { Code } from "../parts/Code";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Dialog, Done, Fact, Facts, SelectField, TextField, wrongWith } from "../parts/kit";
import { Titled } from "../parts/Titled";
import { Notice } from "../parts/Notice";
import { Pages } from "../parts/Pages";
import { Title } from "../parts/Title";
import { ExternalAccounts } from "./doors/ExternalAccounts";
import { Lines } from "./doors/Lines";
import { attributesOfCode, attributesOfDoor, type Door, EVIDENCE, usableProfiles, withCode } from "./enrolment";

const DOORS: readonly Door[] = ["est_labels", "scep_profiles", "acme_directories"];

function NewDoor({ door, onClose, onDone }: { door: Door; onClose: () => void; onDone: (o: Outcome) => void }) {
  const { t } = useTranslation("enrolment");
  const title = useBuiltin();
  const profiles = useAll("/profiles");
  const cas = useAll("/cas");
  const usable = usableProfiles(profiles.data ?? []);
  const [name, setName] = useState("");
  const [ca, setCa] = useState("");
  const [profile, setProfile] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>(EVIDENCE[door].slice(0, 1));
  const best = door === "acme_directories" ? "server" : "device";
  const usual = usable.find((p) => text(p, "name") === best) ?? usable[0];
  const create = useSend(onDone);
  const wrong = (field: string) => wrongWith(create.error, field);
  return (
    <Dialog
      title={t(`newDoor.${door}`)}
      action={t("create")}
      busy={create.isPending}
      disabled={!name.trim() || chosen.length === 0}
      error={create.error}
      labels={{ name: t("name"), ca: t("ca"), profile: t("profile"), auth: t("evidence"), challenges: t("challenges") }}
      onClose={onClose}
      onDo={() => create.mutate({ path: `/${door}`, type: door, attributes: attributesOfDoor(door, { name, ca, profile: profile || text(usual, "name"), chosen }) })}
    >
      <TextField label={t("name")} help={t("nameHelp")} required value={name} onChange={setName} error={wrong("name")} />
      <SelectField
        label={t("profile")}
        help={t("profileHelp")}
        value={profile || text(usual, "name")}
        onChange={setProfile}
        error={wrong("profile")}
        choices={usable.map((p) => ({ value: text(p, "name"), label: title(text(p, "title")) || text(p, "name") }))}
      />
      <SelectField
        label={t("ca")}
        value={ca}
        onChange={setCa}
        error={wrong("ca")}
        choices={[{ value: "", label: t("defaultCa") }, ...(cas.data ?? []).filter((one) => text(one, "status") === "active").map((one) => ({ value: text(one, "name"), label: text(one, "name") }))]}
      />
      <FormGroup role="group" label={t(door === "acme_directories" ? "challenges" : "evidence")} fieldId="evidence">
        {EVIDENCE[door].map((word) => (
          <Checkbox
            key={word}
            id={`evidence-${word}`}
            label={t(`evidences.${word}`)}
            isChecked={chosen.includes(word)}
            onChange={(_, on) => setChosen(on ? [...chosen, word] : chosen.filter((one) => one !== word))}
          />
        ))}
        {(wrong("auth") || wrong("challenges")) && <Content component="p">{wrong("auth") ?? wrong("challenges")}</Content>}
      </FormGroup>
    </Dialog>
  );
}

function DoorCard({ item, door, names, onDeleted }: { item: Item; door: Door; names: Map<string, string>; onDeleted: (o: Outcome) => void }) {
  const { t } = useTranslation("enrolment");
  const may = useMay();
  const [open, setOpen] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const change = useSend();
  const remove = useSend((outcome) => {
    setDeleting(false);
    onDeleted(outcome);
  });
  const enabled = item.attributes.enabled !== false;
  const evidence = ((item.attributes.auth ?? item.attributes.challenges ?? []) as string[]).map((word) => t(`evidences.${word as "code"}`, { defaultValue: word }));
  return (
    <Card>
      <CardTitle component="h2">
        {text(item, "name")}{" "}
        <Label isCompact status={enabled ? "success" : "warning"}>
          {t(enabled ? "on" : "off")}
        </Label>
      </CardTitle>
      <CardBody>
        <ErrorAlert error={change.error} />
        <Done outcome={change.data} />
        <Facts>
          <Fact name={t("address")}>
            <span className="siegel-mono">{text(item, "url")}</span>
          </Fact>
          <Fact name={t("ca")}>{related(item, "ca") ? <Titled of="ca" name={names.get(`cas/${related(item, "ca") ?? ""}`)} /> : t("defaultCa")}</Fact>
          {door !== "acme_directories" && <Fact name={t("profile")}><Titled of="profile" name={names.get(`profiles/${related(item, "profile") ?? ""}`)} /></Fact>}
          {door === "acme_directories" && (
            <Fact name={t("profile")}>
              {Object.entries((item.attributes.profiles ?? {}) as Record<string, { profile?: string }>).map(([name, p], i, all) => (
                <span key={name}>
                  {i > 0 && ", "}
                  <Titled of="profile" name={p.profile} />
                  {all.length > 1 && <> (<code>{name}</code>)</>}
                </span>
              ))}
            </Fact>
          )}
          <Fact name={t(door === "acme_directories" ? "challenges" : "evidence")}>{evidence.join(", ")}</Fact>
        </Facts>
        <ExpandableSection toggleText={t("lines", { name: text(item, "name") })} isExpanded={open} onToggle={(_, v) => setOpen(v)}>
          <Lines item={item} heading="h3" />
        </ExpandableSection>
        {door === "acme_directories" && <ExternalAccounts directory={item} />}
        {may("enrolment.manage") && (
          <div className="siegel-actions siegel-tab">
            <Button
              variant="secondary"
              isLoading={change.isPending}
              aria-label={`${t(enabled ? "switchOff" : "switchOn")}: ${text(item, "name")}`}
              onClick={() => change.mutate({ method: "PATCH", path: `/${door}/${item.id}`, type: door, id: item.id, attributes: { enabled: !enabled } })}
            >
              {t(enabled ? "switchOff" : "switchOn")}
            </Button>
            <Button variant="secondary" aria-label={`${t("change")}: ${text(item, "name")}`} component={(props: object) => <Link {...props} to={`/r/${door}/${item.id}/edit`} />}>
              {t("change")}
            </Button>
            <Button variant="danger" aria-label={`${t("delete")}: ${text(item, "name")}`} onClick={() => setDeleting(true)}>
              {t("delete")}
            </Button>
          </div>
        )}
        {deleting && (
          <Dialog
            title={t("deleteTitle", { name: text(item, "name") })}
            action={t("delete")}
            danger
            busy={remove.isPending}
            error={remove.error}
            onClose={() => setDeleting(false)}
            onDo={() => remove.mutate({ method: "DELETE", path: `/${door}/${item.id}` })}
          >
            <Content component="p">{t(`deleteText.${door}`)}</Content>
          </Dialog>
        )}
      </CardBody>
    </Card>
  );
}

function Doors({ door }: { door: Door }) {
  const { t } = useTranslation("enrolment");
  const may = useMay();
  const doors = useAll(`/${door}`);
  const profiles = useAll("/profiles");
  const cas = useAll("/cas");
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Outcome | null>(null);
  const [deleted, setDeleted] = useState<Outcome | null>(null);
  const names = new Map([...(profiles.data ?? []), ...(cas.data ?? [])].map((one) => [`${one.type}/${one.id}`, text(one, "name")]));
  const create = may("enrolment.manage") && (
    <Button
      onClick={() => {
        setMade(null);
        setMaking(true);
      }}
    >
      {t(`newDoor.${door}`)}
    </Button>
  );
  const challenge = text(made?.item ?? undefined, "challenge");
  const rows = doors.data ?? [];
  return (
    <div className="siegel-tab">
      <Stack hasGutter>
        <StackItem>
          <Content component="p">{t(`about.${door}`)}</Content>
          <ErrorAlert error={doors.error} />
          <Done outcome={made} text={t("made")} />
          <Done outcome={deleted} />
          {challenge !== "" && (
            <>
              <Notice variant="warning" title={t("challengeOnce")} />
              <Code label={t("challenge")} text={challenge} file="challenge.txt" type="text/plain" />
            </>
          )}
          {rows.length > 0 && create}
        </StackItem>
        {doors.isPending && <Skeleton height="8rem" screenreaderText={t("loading")} />}
        {doors.data && rows.length === 0 && (
          <StackItem>
            <EmptyState titleText={t("noneYet")} headingLevel="h2">
              <EmptyStateBody>{t("noneText")}</EmptyStateBody>
              {create && (
                <EmptyStateFooter>
                  <EmptyStateActions>{create}</EmptyStateActions>
                </EmptyStateFooter>
              )}
            </EmptyState>
          </StackItem>
        )}
        {rows.map((one) => (
          <StackItem key={one.id}>
            <DoorCard item={one} door={door} names={names} onDeleted={setDeleted} />
          </StackItem>
        ))}
      </Stack>
      {making && (
        <NewDoor
          door={door}
          onClose={() => setMaking(false)}
          onDone={(outcome) => {
            setMade(outcome);
            setMaking(false);
          }}
        />
      )}
    </div>
  );
}

function NewCodes({ doors, onClose, onDone }: { doors: Item[]; onClose: () => void; onDone: (o: Outcome) => void }) {
  const { t } = useTranslation("enrolment");
  const [door, setDoor] = useState("");
  const [cn, setCn] = useState("");
  const [hours, setHours] = useState("24");
  const [n, setN] = useState("1");
  const create = useSend(onDone);
  const at = doors.find((d) => `${d.type}/${d.id}` === door) ?? doors[0];
  return (
    <Dialog
      title={t("newCodes")}
      action={t("create")}
      busy={create.isPending}
      error={create.error}
      labels={{ common_name: t("codeCn"), hours: t("hours"), count: t("count"), est_label: t("door"), scep_profile: t("door") }}
      onClose={onClose}
      onDo={() => create.mutate({ path: "/enrollment_codes", type: "enrollment_codes", attributes: attributesOfCode({ door: at, cn, hours, count: n }) })}
    >
      <SelectField
        label={t("door")}
        help={t("doorHelp")}
        value={at ? `${at.type}/${at.id}` : ""}
        onChange={setDoor}
        choices={doors.length > 0 ? doors.map((d) => ({ value: `${d.type}/${d.id}`, label: `${t(d.type === "est_labels" ? "est" : "scep")}: ${text(d, "name")}` })) : [{ value: "", label: t("anyDoor") }]}
      />
      <TextField label={t("codeCn")} help={t("codeCnHelp")} value={cn} onChange={setCn} error={wrongWith(create.error, "common_name")} />
      <TextField label={t("hours")} type="number" min={1} value={hours} onChange={setHours} error={wrongWith(create.error, "hours")} />
      <TextField label={t("count")} help={t("countHelp")} type="number" min={1} value={n} onChange={setN} error={wrongWith(create.error, "count")} />
    </Dialog>
  );
}

const CODE_LOOK = { good: "success", used: "info", expired: "warning", revoked: "danger" } as const;

function Codes() {
  const { t, i18n } = useTranslation("enrolment");
  const may = useMay();
  const est = useAll("/est_labels");
  const scep = useAll("/scep_profiles");
  const { found: codes, rows, turn } = usePages("/enrollment_codes");
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Outcome | null>(null);
  const revoke = useSend();
  const doors = [...(est.data ?? []), ...(scep.data ?? [])];
  const secrets = (made?.item?.attributes.secrets as { secret: string }[] | undefined)?.map((s) => s.secret).join("\n") ?? text(made?.item ?? undefined, "secret");
  return (
    <div className="siegel-tab">
      <Content component="p">{t("aboutCodes")}</Content>
      <ErrorAlert error={codes.error ?? revoke.error} />
      <Done outcome={made} />
      <Done outcome={revoke.data} />
      {secrets !== "" && (
        <>
          <Notice variant="warning" title={t("codesOnce")} />
          <Code label={t("codes")} text={secrets} file="codes.txt" type="text/plain" />
          {made?.item && <Lines item={withCode(made.item)} heading="h2" />}
        </>
      )}
      {may("enrolment.codes") && (
        <Button
          className="siegel-below"
          onClick={() => {
            setMade(null);
            setMaking(true);
          }}
        >
          {t("newCodes")}
        </Button>
      )}
      {rows.length > 0 && (
        <Table aria-label={t("codes")} variant="compact" gridBreakPoint="grid-lg">
          <Thead>
            <Tr>
              <Th>{t("number")}</Th>
              <Th>{t("codeFor")}</Th>
              <Th>{t("door")}</Th>
              <Th>{t("state")}</Th>
              <Th>{t("until")}</Th>
              <Th screenReaderText={t("withdraw")} />
            </Tr>
          </Thead>
          <Tbody>
            {rows.map((code) => {
              const status = text(code, "status") as keyof typeof CODE_LOOK;
              const at = doors.find((d) => d.id === (related(code, "est_label") ?? related(code, "scep_profile")));
              return (
                <Tr key={code.id}>
                  <Td dataLabel={t("number")}>{code.id}</Td>
                  <Td dataLabel={t("codeFor")} modifier="breakWord">
                    {text(code, "common_name") || text(code, "serial_number") || t("anybody")}
                  </Td>
                  <Td dataLabel={t("door")}>{at ? text(at, "name") : t("anyDoor")}</Td>
                  <Td dataLabel={t("state")}>
                    <Label status={Object.hasOwn(CODE_LOOK, status) ? CODE_LOOK[status] : "info"}>{t(`codeStatus.${status}`, { defaultValue: status })}</Label>
                  </Td>
                  <Td dataLabel={t("until")}>{instant(i18n.language, text(code, "expires_at"))}</Td>
                  <Td isActionCell>
                    {status === "good" && may("enrolment.codes") && (
                      <Button variant="link" isInline aria-label={`${t("withdraw")}: ${code.id}`} onClick={() => revoke.mutate({ method: "DELETE", path: `/enrollment_codes/${code.id}` })}>
                        {t("withdraw")}
                      </Button>
                    )}
                  </Td>
                </Tr>
              );
            })}
          </Tbody>
        </Table>
      )}
      <Pages turn={turn} />
      {codes.data && rows.length === 0 && <Content component="p">{t("noCodes")}</Content>}
      {making && (
        <NewCodes
          doors={doors}
          onClose={() => setMaking(false)}
          onDone={(outcome) => {
            setMade(outcome);
            setMaking(false);
          }}
        />
      )}
    </div>
  );
}

export default function Enrolment() {
  const { t } = useTranslation("enrolment");
  const [address, setAddress] = useSearchParams();
  const tab = address.get("tab") ?? DOORS[0] ?? "";
  return (
    <>
      <Title title={t("title")} subtitle={t("subtitle")} />
      <PageSection>
        <Tabs activeKey={tab} onSelect={(_, key) => setAddress({ tab: String(key) })} mountOnEnter unmountOnExit aria-label={t("title")}>
          {[
            ...DOORS.map((door) => (
              <Tab key={door} eventKey={door} title={<TabTitleText>{t(`tabs.${door}`)}</TabTitleText>}>
                <Doors door={door} />
              </Tab>
            )),
            <Tab key="codes" eventKey="codes" title={<TabTitleText>{t("codes")}</TabTitleText>}>
              <Codes />
            </Tab>,
          ]}
        </Tabs>
      </PageSection>
    </>
  );
}
