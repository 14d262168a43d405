// Secrets that are kept for others, and private keys in the archive. A value is shown once, when it is fetched, and stays nowhere.
import { Button, Card, CardBody, CardTitle, Content, EmptyState, EmptyStateBody, PageSection, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Turning, usePages, useSend } from "../api/hooks";
import { type Item, type Outcome, number, text } from "../api/rest";
import { useMay } from "../api/session";
import { date, fileName, instant } from "../format";
import { Code } from "../parts/Code";
import { keyTypeTitle } from "../keytypes";
import { ErrorAlert } from "../parts/ErrorAlert";
import { bytesOfBase64, download } from "../parts/download";
import { AreaField, Dialog, Done, SelectField, TextField, wrongWith } from "../parts/kit";
import { Notice } from "../parts/Notice";
import { Pages } from "../parts/Pages";
import { Title } from "../parts/Title";
import { base64Of } from "./work";

function NewSecret({ onClose, onDone }: { onClose: () => void; onDone: (o: Outcome) => void }) {
  const { t } = useTranslation("secrets");
  const [name, setName] = useState("");
  const [kind, setKind] = useState("password");
  const [algorithm, setAlgorithm] = useState("aes256");
  const [delivery, setDelivery] = useState("many");
  const [device, setDevice] = useState("");
  const [days, setDays] = useState("");
  const [value, setValue] = useState("");
  const create = useSend(onDone);
  const wrong = (field: string) => wrongWith(create.error, field);
  return (
    <Dialog
      title={t("new")}
      action={t("create")}
      busy={create.isPending}
      disabled={!name.trim() || (kind === "data" && value === "")}
      error={create.error}
      labels={{ name: t("name"), kind: t("kind"), value: t("value"), days: t("days") }}
      onClose={onClose}
      onDo={() =>
        create.mutate({
          path: "/secrets", type: "secrets",
          attributes: {
            name: name.trim(), kind, delivery,
            ...(kind === "symmetric" && !value ? { algorithm } : {}),
            ...(device.trim() ? { device: device.trim() } : {}),
            ...(Number(days) > 0 ? { days: Number(days) } : {}),
            ...(value ? { value: kind === "symmetric" ? value.trim() : base64Of(value) } : {}),
          },
        })
      }
    >
      <TextField label={t("name")} required value={name} onChange={setName} error={wrong("name")} />
      <SelectField
        label={t("kind")}
        value={kind}
        onChange={setKind}
        choices={(["password", "symmetric", "data"] as const).map((k) => ({ value: k, label: t(`kinds.${k}`) }))}
      />
      {kind === "symmetric" && (
        <SelectField label={t("algorithm")} value={algorithm} onChange={setAlgorithm} choices={["aes256", "aes192", "aes128", "hmac-sha256", "hmac-sha512"].map((a) => ({ value: a, label: a }))} />
      )}
      <TextField
        label={t("value")}
        type="password"
        help={t(kind === "data" ? "valueData" : kind === "symmetric" ? "valueKey" : "valueHelp")}
        required={kind === "data"}
        value={value}
        onChange={setValue}
        error={wrong("value")}
      />
      <SelectField
        label={t("delivery")}
        value={delivery}
        onChange={setDelivery}
        choices={[
          { value: "many", label: t("many") },
          { value: "once", label: t("once") },
        ]}
      />
      <TextField label={t("device")} help={t("deviceHelp")} value={device} onChange={setDevice} />
      <TextField label={t("days")} type="number" min={1} value={days} onChange={setDays} error={wrong("days")} />
    </Dialog>
  );
}

/** The value, for as long as the dialog is open. */
function Fetch({ secret, onClose }: { secret: Item; onClose: () => void }) {
  const { t } = useTranslation("secrets");
  const fetch = useSend();
  const { reset } = fetch;
  useEffect(() => reset, [reset]);
  const got = fetch.data?.item?.attributes;
  const shown = typeof got?.text === "string" ? got.text : typeof got?.value === "string" ? got.value : "";
  return (
    <Dialog
      title={t("fetchTitle", { name: text(secret, "name") })}
      action={t("fetch")}
      busy={fetch.isPending}
      disabled={fetch.isSuccess}
      error={fetch.error}
      onClose={onClose}
      onDo={() => fetch.mutate({ path: `/secrets/${secret.id}/fetch`, type: "fetch", attributes: {} })}
    >
      <Content component="p">{t(text(secret, "delivery") === "once" ? "fetchOnce" : "fetchText")}</Content>
      <Done outcome={fetch.data} />
      {shown !== "" && (
        <>
          <Notice variant="warning" title={t("shownOnce")} />
          <Code label={t("value")} text={shown} file={fileName(text(secret, "name"), "txt")} type="text/plain" />
          {typeof got?.text !== "string" && <Content component="p">{t("base64")}</Content>}
        </>
      )}
    </Dialog>
  );
}

/** Asked for with a reason; once others have approved it, asked for again, and handed out. */
function Recover({ kept, onClose }: { kept: Item; onClose: () => void }) {
  const { t } = useTranslation("secrets");
  const [reason, setReason] = useState("");
  const [password, setPassword] = useState("");
  const recover = useSend();
  const { reset } = recover;
  useEffect(() => reset, [reset]);
  const got = recover.data?.item?.attributes;
  const pem = typeof got?.private_key_pem === "string" ? got.private_key_pem : "";
  const p12 = typeof got?.pkcs12 === "string" ? got.pkcs12 : "";
  return (
    <Dialog
      title={t("recoverTitle", { name: text(kept, "subject") })}
      action={t("recover")}
      busy={recover.isPending}
      disabled={pem !== "" || p12 !== ""}
      error={recover.error}
      onClose={onClose}
      labels={{ reason: t("reason"), pkcs12_password: t("password") }}
      onDo={() =>
        recover.mutate({
          path: `/archived_keys/${kept.id}/recover`, type: "recover",
          attributes: { ...(reason.trim() ? { reason: reason.trim() } : {}), ...(password ? { pkcs12_password: password } : {}) },
        })
      }
    >
      <Content component="p">{t("recoverText")}</Content>
      <Done outcome={recover.data} />
      <AreaField label={t("reason")} help={t("reasonHelp")} rows={2} value={reason} onChange={setReason} error={wrongWith(recover.error, "reason")} />
      <TextField label={t("password")} help={t("passwordHelp")} type="password" value={password} onChange={setPassword} error={wrongWith(recover.error, "pkcs12_password")} />
      {(pem !== "" || p12 !== "") && <Notice variant="warning" title={t("shownOnce")} />}
      {pem !== "" && <Code label={t("privateKey")} text={pem} file={fileName(text(kept, "subject"), "key.pem")} />}
      {p12 !== "" && <Button onClick={() => download(fileName(text(kept, "subject"), "p12"), bytesOfBase64(p12), "application/x-pkcs12")}>{t("download")}</Button>}
    </Dialog>
  );
}

interface ActionProps {
  onFetch: (secret: Item) => void;
  /** null: one is being rotated. */
  onRotate: ((secret: Item) => void) | null;
  onDelete: (secret: Item) => void;
}

function Actions({ secret, onFetch, onRotate, onDelete }: ActionProps & { secret: Item }) {
  const { t } = useTranslation("secrets");
  const may = useMay();
  return (
    <div className="siegel-actions">
      {may("secrets.fetch") && (
        <Button variant="secondary" size="sm" aria-label={`${t("fetch")}: ${text(secret, "name")}`} onClick={() => onFetch(secret)}>
          {t("fetch")}
        </Button>
      )}
      {may("secrets.manage") && text(secret, "kind") !== "data" && (
        <Button
          variant="link"
          size="sm"
          aria-label={`${t("rotate")}: ${text(secret, "name")}`}
          isDisabled={onRotate === null}
          onClick={() => onRotate?.(secret)}
        >
          {t("rotate")}
        </Button>
      )}
      {may("secrets.manage") && (
        <Button variant="link" isDanger size="sm" aria-label={`${t("delete")}: ${text(secret, "name")}`} onClick={() => onDelete(secret)}>
          {t("delete")}
        </Button>
      )}
    </div>
  );
}

function SecretsTable({ rows, ...actions }: ActionProps & { rows: Item[] }) {
  const { t, i18n } = useTranslation("secrets");
  return (
    <Table aria-label={t("title")} variant="compact" gridBreakPoint="grid-lg">
      <Thead>
        <Tr>
          <Th>{t("name")}</Th>
          <Th>{t("kind")}</Th>
          <Th>{t("device")}</Th>
          <Th>{t("version")}</Th>
          <Th>{t("expires")}</Th>
          <Th>{t("created")}</Th>
          <Th screenReaderText={t("actions")} />
        </Tr>
      </Thead>
      <Tbody>
        {rows.map((one) => (
          <Tr key={one.id}>
            <Td dataLabel={t("name")} modifier="breakWord">
              {text(one, "name")}
            </Td>
            <Td dataLabel={t("kind")}>{t(`kinds.${text(one, "kind") as "password"}`, { defaultValue: text(one, "kind") })}</Td>
            <Td dataLabel={t("device")}>{text(one, "device") || "–"}</Td>
            <Td dataLabel={t("version")}>{number(one, "number")}</Td>
            <Td dataLabel={t("expires")}>{date(i18n.language, text(one, "expires_at"))}</Td>
            <Td dataLabel={t("created")}>{instant(i18n.language, text(one, "created_at"))}</Td>
            <Td isActionCell>
              <Actions secret={one} {...actions} />
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

function KeysTable({ keys, onRecover }: { keys: Item[]; onRecover: (kept: Item) => void }) {
  const { t, i18n } = useTranslation("secrets");
  const may = useMay();
  return (
    <Table aria-label={t("archive")} variant="compact" gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th>{t("subject")}</Th>
          <Th>{t("keyType")}</Th>
          <Th>{t("until")}</Th>
          <Th>{t("archived")}</Th>
          <Th screenReaderText={t("actions")} />
        </Tr>
      </Thead>
      <Tbody>
        {keys.map((one) => (
          <Tr key={one.id}>
            <Td dataLabel={t("subject")} modifier="breakWord">
              {text(one, "subject")}
            </Td>
            <Td dataLabel={t("keyType")}>{keyTypeTitle(text(one, "key_type"))}</Td>
            <Td dataLabel={t("until")}>{date(i18n.language, text(one, "not_after"))}</Td>
            <Td dataLabel={t("archived")}>{instant(i18n.language, text(one, "archived_at"))}</Td>
            <Td isActionCell>
              {may("keys.recover") && (
                <Button variant="secondary" size="sm" aria-label={`${t("recover")}: ${text(one, "subject")}`} onClick={() => onRecover(one)}>
                  {t("recover")}
                </Button>
              )}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

/** Private keys of certificates, kept for the case that somebody loses theirs. */
function Archive({ found, keys, turn, onRecover }: { found: boolean; keys: Item[]; turn: Turning; onRecover: (kept: Item) => void }) {
  const { t } = useTranslation("secrets");
  return (
    <Card>
      <CardTitle component="h2">{t("archive")}</CardTitle>
      <CardBody>
        <Content component="p">{t("archiveText")}</Content>
        {found && keys.length === 0 && <Content component="p">{t("archiveNone")}</Content>}
        {keys.length > 0 && <KeysTable keys={keys} onRecover={onRecover} />}
        <Pages turn={turn} />
      </CardBody>
    </Card>
  );
}

function Delete({ secret, remove, onClose }: { secret: Item; remove: ReturnType<typeof useSend>; onClose: () => void }) {
  const { t } = useTranslation("secrets");
  return (
    <Dialog
      title={t("deleteTitle", { name: text(secret, "name") })}
      action={t("delete")}
      danger
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onDo={() => remove.mutate({ method: "DELETE", path: `/secrets/${secret.id}` })}
    >
      <Content component="p">{t("deleteText")}</Content>
    </Dialog>
  );
}

export default function Secrets() {
  const { t } = useTranslation("secrets");
  const may = useMay();
  const { found: secrets, rows, turn } = usePages("/secrets");
  const { found: archived, rows: keys, turn: turnKeys } = usePages("/archived_keys");
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Outcome | null>(null);
  const [fetching, setFetching] = useState<Item | null>(null);
  const [recovering, setRecovering] = useState<Item | null>(null);
  const [deleting, setDeleting] = useState<Item | null>(null);
  const remove = useSend(() => setDeleting(null));
  const rotate = useSend();
  const rotateOne = (one: Item) => rotate.mutate({ path: `/secrets/${one.id}/rotate`, type: "rotate", attributes: {} });
  return (
    <>
      <Title title={t("title")} subtitle={t("subtitle")} actions={may("secrets.manage") && <Button onClick={() => setMaking(true)}>{t("new")}</Button>} />
      <PageSection>
        <ErrorAlert error={secrets.error ?? archived.error ?? rotate.error} />
        <Done outcome={made} text={t("made")} />
        <Done outcome={remove.data} />
        <Done outcome={rotate.data} />
        <Stack hasGutter>
          <StackItem>
            <Card>
              <CardTitle component="h2">{t("title")}</CardTitle>
              <CardBody>
                {secrets.isPending && <Skeleton height="8rem" screenreaderText={t("loading")} />}
                {secrets.data && rows.length === 0 && (
                  <EmptyState titleText={t("none")} headingLevel="h3">
                    <EmptyStateBody>{t("noneText")}</EmptyStateBody>
                  </EmptyState>
                )}
                {rows.length > 0 && <SecretsTable rows={rows} onFetch={setFetching} onDelete={setDeleting} onRotate={rotate.isPending ? null : rotateOne} />}
                <Pages turn={turn} />
              </CardBody>
            </Card>
          </StackItem>
          <StackItem>
            <Archive found={archived.data !== undefined} keys={keys} turn={turnKeys} onRecover={setRecovering} />
          </StackItem>
        </Stack>
        {making && (
          <NewSecret
            onClose={() => setMaking(false)}
            onDone={(outcome) => {
              setMade(outcome);
              setMaking(false);
            }}
          />
        )}
        {fetching && <Fetch secret={fetching} onClose={() => setFetching(null)} />}
        {recovering && <Recover kept={recovering} onClose={() => setRecovering(null)} />}
        {deleting && <Delete secret={deleting} remove={remove} onClose={() => setDeleting(null)} />}
      </PageSection>
    </>
  );
}
