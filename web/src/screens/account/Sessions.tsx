import { Button, Card, CardBody, CardTitle, Flex, FlexItem, Form, FormGroup, Label, TextInput } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { keys, useRenew } from "../../api/keys";
import { page, remove } from "../../api/rest";
import { attributesOf, endOthers, type Session } from "../../api/session";
import { browserOf, instant } from "../../format";
import { ErrorAlert } from "../../parts/ErrorAlert";
import { Notice } from "../../parts/Notice";

const PAGE = 20;

export function accountOf(session: Session): number {
  const relationships = session.relationships as { account?: { data?: { id?: string } } } | undefined;
  return Number(relationships?.account?.data?.id ?? 0);
}

/** Asks whose are shown. */
function ByAccount({ onShow }: { onShow: (name: string) => void }) {
  const { t } = useTranslation("access");
  const [typed, setTyped] = useState("");
  return (
    <Form
      isHorizontal={false}
      onSubmit={(event) => {
        event.preventDefault();
        onShow(typed.trim());
      }}
    >
      <FormGroup label={t("byAccount")} fieldId="session-account">
        <Flex>
          <FlexItem grow={{ default: "grow" }}>
            <TextInput id="session-account" value={typed} onChange={(_, v) => setTyped(v)} autoComplete="off" />
          </FlexItem>
          <FlexItem>
            <Button type="submit" variant="secondary">
              {t("show")}
            </Button>
          </FlexItem>
        </Flex>
      </FormGroup>
    </Form>
  );
}

function Row({ one, isBusy, onEnd }: { one: Session; isBusy: boolean; onEnd: () => void }) {
  const { t, i18n } = useTranslation();
  const { t: ta } = useTranslation("access");
  const a = attributesOf(one);
  const since = instant(i18n.language, a.created_at);
  return (
    <Tr>
      <Td dataLabel={t("account.who")}>
        {a.name} {a.current && <Label color="green">{t("account.current")}</Label>}
      </Td>
      <Td dataLabel={ta("how")}>{ta(`evidence.${a.evidence as "password" | "one_time" | "passkey" | "certificate"}`)}</Td>
      <Td dataLabel={t("account.browser")}>{browserOf(a.agent)}</Td>
      <Td dataLabel={t("account.address")}>{a.client}</Td>
      <Td dataLabel={t("account.since")}>{since}</Td>
      <Td dataLabel={t("account.used")}>{instant(i18n.language, a.used_at)}</Td>
      <Td dataLabel={t("account.until")}>{instant(i18n.language, a.expires_at)}</Td>
      <Td isActionCell>
        {!a.current && (
          <Button
            variant="secondary"
            size="sm"
            isDisabled={isBusy}
            aria-label={t("account.endThis", { name: a.name, date: since })}
            onClick={onEnd}
          >
            {t("account.end")}
          </Button>
        )}
      </Td>
    </Tr>
  );
}

/** Those of one account, or of the tenant, for who manages accounts. */
export function Sessions({ account }: { account?: number }) {
  const { t } = useTranslation();
  const { t: ta } = useTranslation("access");
  const renew = useRenew();
  const [done, setDone] = useState<string | null>(null);
  const [name, setName] = useState("");
  const sessions = useInfiniteQuery({
    queryKey: keys.own("sessions", account ?? 0, name),
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) =>
      page<Session>("/sessions", { "page[size]": PAGE, "page[after]": pageParam, "filter[account]": account, "filter[name]": name }),
    getNextPageParam: (part) => part.next,
  });
  const after = async (what: string) => {
    setDone(what);
    await renew();
  };
  const end = useMutation({
    mutationFn: (id: string) => remove(`/sessions/${id}`),
    onSuccess: () => after(t("account.ended")),
  });
  const others = useMutation({ mutationFn: endOthers, onSuccess: () => after(ta("othersEnded")) });
  const title = t(account ? "account.sessions" : "account.allSessions");
  const rows = (sessions.data?.pages ?? []).flatMap((part) => part.data);
  return (
    <Card>
      <CardTitle component="h2">{title}</CardTitle>
      <CardBody>
        <ErrorAlert error={sessions.error ?? end.error ?? others.error} />
        {done && <Notice variant="success" isLiveRegion title={done} />}
        {!account && <ByAccount onShow={setName} />}
        <Table aria-label={title} variant="compact" gridBreakPoint="grid-lg">
          <Thead>
            <Tr>
              <Th>{t("account.who")}</Th>
              <Th>{ta("how")}</Th>
              <Th>{t("account.browser")}</Th>
              <Th>{t("account.address")}</Th>
              <Th>{t("account.since")}</Th>
              <Th>{t("account.used")}</Th>
              <Th>{t("account.until")}</Th>
              <Th screenReaderText={t("account.end")} />
            </Tr>
          </Thead>
          <Tbody>
            {rows.map((one) => (
              <Row key={one.id} one={one} isBusy={end.isPending} onEnd={() => end.mutate(one.id)} />
            ))}
          </Tbody>
        </Table>
        {sessions.isSuccess && rows.length === 0 && <p>{ta("noSessions")}</p>}
        <Flex className="siegel-above">
          {sessions.hasNextPage && (
            <FlexItem>
              <Button variant="link" isLoading={sessions.isFetchingNextPage} onClick={() => void sessions.fetchNextPage()}>
                {ta("more")}
              </Button>
            </FlexItem>
          )}
          {account && rows.length > 1 && (
            <FlexItem align={{ default: "alignRight" }}>
              <Button variant="secondary" isDisabled={others.isPending} onClick={() => others.mutate()}>
                {ta("endOthers")}
              </Button>
            </FlexItem>
          )}
        </Flex>
      </CardBody>
    </Card>
  );
}
