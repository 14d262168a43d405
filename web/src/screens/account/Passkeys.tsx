import { Button, Card, CardBody, CardTitle, Content, Flex, FlexItem, Form, TextInput } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAll } from "../../api/hooks";
import { keys as queries, useRenew } from "../../api/keys";
import { addressOf } from "../../api/rest";
import { attributesOf, namePasskey, type Passkey, provedLately, removePasskey, type Session, useSetSession, useWays } from "../../api/session";
import { passkeysPossible } from "../../api/webauthn";
import { instant } from "../../format";
import { ErrorAlert } from "../../parts/ErrorAlert";
import { Notice } from "../../parts/Notice";
import { PasskeyForm } from "../../parts/Passkey";
import { FactorForm } from "../SignIn";
import { accountOf } from "./Sessions";

/** What changes how one signs in is shown when a second factor was proved lately; before that it is asked for. Who came by a certificate and has none
 * gets it elsewhere. */
export function Proved({ session, children }: { session: Session; children: ReactNode }) {
  const { t } = useTranslation("access");
  const setSession = useSetSession();
  if (provedLately(session)) {
    return children;
  }
  const a = attributesOf(session);
  if (!a.totp && !a.passkeys) {
    return (
      <Notice variant="info" title={t("firstTitle")}>
        {t("firstText")}
      </Notice>
    );
  }
  return (
    <>
      <Content component="h3">{t("proveTitle")}</Content>
      <Content component="p">{t("proveText")}</Content>
      <FactorForm session={session} onSession={setSession} />
    </>
  );
}

function Name({ one, onDone }: { one: Passkey; onDone: () => void }) {
  const { t } = useTranslation("access");
  const [name, setName] = useState(one.attributes?.name ?? "");
  const save = useMutation({ mutationFn: () => namePasskey(one.id, name.trim()), onSuccess: onDone });
  return (
    <Form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <ErrorAlert error={save.error} labels={{ name: t("name") }} />
      <Flex>
        <FlexItem>
          <TextInput aria-label={t("name")} value={name} onChange={(_, v) => setName(v)} maxLength={63} autoFocus />
        </FlexItem>
        <FlexItem>
          <Button type="submit" size="sm" isDisabled={!name.trim() || save.isPending}>
            {t("save")}
          </Button>{" "}
          <Button variant="link" size="sm" onClick={onDone}>
            {t("cancel")}
          </Button>
        </FlexItem>
      </Flex>
    </Form>
  );
}

export function Passkeys({ session }: { session: Session }) {
  const { t, i18n } = useTranslation("access");
  const client = useQueryClient();
  const renew = useRenew();
  const setSession = useSetSession();
  const possible = !!useWays().data?.passkey && passkeysPossible();
  const [open, setOpen] = useState<{ what: "add" | "name"; id?: string } | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const account = accountOf(session);
  const keys = useAll<Passkey>(addressOf("/passkeys", { "filter[account]": account, sort: "name" }));
  const closed = async (what?: string) => {
    setOpen(null);
    setDone(what ?? null);
    await Promise.all([renew(), client.invalidateQueries({ queryKey: queries.session })]);
  };
  const remove = useMutation({ mutationFn: removePasskey, onMutate: () => setDone(null), onSuccess: () => closed(t("removed")) });
  const rows = keys.data ?? [];
  return (
    <Card>
      <CardTitle component="h2">{t("passkeys")}</CardTitle>
      <CardBody>
        <Content component="p">{t("passkeysText")}</Content>
        <ErrorAlert error={keys.error ?? remove.error} />
        {done && <Notice variant="success" isLiveRegion title={done} />}
        {rows.length > 0 ? (
          <Table aria-label={t("passkeys")} variant="compact" gridBreakPoint="grid-lg">
            <Thead>
              <Tr>
                <Th>{t("name")}</Th>
                <Th>{t("created")}</Th>
                <Th>{t("used")}</Th>
                <Th screenReaderText={t("remove")} />
              </Tr>
            </Thead>
            <Tbody>
              {rows.map((one) => {
                const a = one.attributes ?? {};
                return (
                  <Tr key={one.id}>
                    <Td dataLabel={t("name")}>{open?.what === "name" && open.id === one.id ? <Name one={one} onDone={() => void closed()} /> : a.name}</Td>
                    <Td dataLabel={t("created")}>{instant(i18n.language, a.created_at)}</Td>
                    <Td dataLabel={t("used")}>{a.used_at ? instant(i18n.language, a.used_at) : t("never")}</Td>
                    <Td isActionCell modifier="nowrap">
                      <Button variant="link" size="sm" aria-label={t("renameThis", { name: a.name })} onClick={() => setOpen({ what: "name", id: one.id })}>
                        {t("rename")}
                      </Button>
                      <Button
                        variant="secondary"
                        size="sm"
                        aria-label={t("removeThis", { name: a.name })}
                        isDisabled={remove.isPending}
                        onClick={() => remove.mutate(one.id)}
                      >
                        {t("remove")}
                      </Button>
                    </Td>
                  </Tr>
                );
              })}
            </Tbody>
          </Table>
        ) : (
          keys.isSuccess && <Content component="p">{t("noPasskeys")}</Content>
        )}
        {open?.what === "add" ? (
          <Proved session={session}>
            <PasskeyForm
              onSession={(now) => {
                setSession(now);
                void closed(t("added"));
              }}
            />
            <Button variant="link" isInline onClick={() => setOpen(null)}>
              {t("cancel")}
            </Button>
          </Proved>
        ) : possible ? (
          <Button variant="secondary" className="siegel-above" onClick={() => setOpen({ what: "add" })}>
            {t("add")}
          </Button>
        ) : (
          <Content component="p">{t("unavailable")}</Content>
        )}
      </CardBody>
    </Card>
  );
}
