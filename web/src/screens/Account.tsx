import {
  Button,
  Card,
  CardBody,
  CardTitle,
  Content,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Form,
  FormGroup,
  Grid,
  GridItem,
  Label,
  PageSection,
} from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, dataOf } from "../api/client";
import { attributesOf, type Session, useSession, useSetSession } from "../api/session";
import { useRights } from "../api/queries";
import { browserOf, instant } from "../format";
import { useBuiltin } from "../i18n/say";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Title } from "../parts/Title";
import { CodeInput, PasswordForm, RecoveryCodes, TotpForm } from "./SignIn";
import { Notice } from "../parts/Notice";

function Sessions({ manages }: { manages: boolean }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const [done, setDone] = useState(false);
  const sessions = useQuery({
    queryKey: ["sessions"],
    queryFn: async () => dataOf<Session[]>(await api.GET("/sessions", { params: { query: { "page[size]": 100 } } })),
  });
  const end = useMutation({
    mutationFn: (id: string) => api.DELETE("/sessions/{id}", { params: { path: { id } } }),
    onSuccess: async () => {
      setDone(true);
      await client.invalidateQueries({ queryKey: ["sessions"] });
    },
  });
  return (
    <Card>
      <CardTitle component="h2">{t(manages ? "account.allSessions" : "account.sessions")}</CardTitle>
      <CardBody>
        <ErrorAlert error={sessions.error ?? end.error} />
        {done && <Notice variant="success" isLiveRegion title={t("account.ended")} />}
        <Table aria-label={t(manages ? "account.allSessions" : "account.sessions")} variant="compact" gridBreakPoint="grid-lg">
          <Thead>
            <Tr>
              <Th>{t("account.who")}</Th>
              <Th>{t("account.browser")}</Th>
              <Th>{t("account.address")}</Th>
              <Th>{t("account.since")}</Th>
              <Th>{t("account.used")}</Th>
              <Th>{t("account.until")}</Th>
              <Th screenReaderText={t("account.end")} />
            </Tr>
          </Thead>
          <Tbody>
            {(sessions.data ?? []).map((one) => {
              const a = attributesOf(one);
              const since = instant(i18n.language, a.created_at);
              return (
                <Tr key={one.id}>
                  <Td dataLabel={t("account.who")}>
                    {a.name} {a.current && <Label color="green">{t("account.current")}</Label>}
                  </Td>
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
                        isDisabled={end.isPending}
                        aria-label={t("account.endThis", { name: a.name, date: since })}
                        onClick={() => end.mutate(one.id)}
                      >
                        {t("account.end")}
                      </Button>
                    )}
                  </Td>
                </Tr>
              );
            })}
          </Tbody>
        </Table>
      </CardBody>
    </Card>
  );
}

function Password() {
  const { t } = useTranslation();
  const setSession = useSetSession();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [done, setDone] = useState(false);
  const changed = (session: Session) => {
    setSession(session);
    setOpen(false);
    setDone(true);
    void client.invalidateQueries({ queryKey: ["sessions"] });
  };
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{t("account.password")}</CardTitle>
      <CardBody>
        {done && <Notice variant="success" isLiveRegion title={t("account.changed")} />}
        {open ? (
          <PasswordForm current onSession={changed} />
        ) : (
          <Button variant="secondary" onClick={() => setOpen(true)}>
            {t("account.change")}
          </Button>
        )}
      </CardBody>
    </Card>
  );
}

function Factor({ left }: { left: number }) {
  const { t } = useTranslation();
  const setSession = useSetSession();
  const client = useQueryClient();
  const [step, setStep] = useState<"closed" | "present" | "new">("closed");
  const [code, setCode] = useState("");
  const [finished, setFinished] = useState<Session | null>(null);
  const [done, setDone] = useState(false);
  const kept = () => {
    setSession(finished);
    setFinished(null);
    setStep("closed");
    setDone(true);
    void client.invalidateQueries({ queryKey: ["sessions"] });
  };
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{t("account.factor")}</CardTitle>
      <CardBody>
        {done && <Notice variant="success" isLiveRegion title={t("account.factorDone")} />}
        {finished ? (
          <RecoveryCodes codes={attributesOf(finished).recovery_codes ?? []} onKept={kept} />
        ) : step === "new" ? (
          <TotpForm code={code} onSession={setFinished} />
        ) : (
          <>
            <Content component="p">{t("account.recoveryLeft", { count: left })}</Content>
            {step === "closed" ? (
              <Button variant="secondary" onClick={() => setStep("present")}>
                {t("account.newFactor")}
              </Button>
            ) : (
              <Form
                onSubmit={(event) => {
                  event.preventDefault();
                  setStep("new");
                }}
              >
                <Content component="p">{t("account.newFactorText")}</Content>
                <FormGroup label={t("signIn.digits")} fieldId="present" isRequired>
                  <CodeInput id="present" value={code} onChange={setCode} />
                </FormGroup>
                <Button type="submit" isDisabled={code.length !== 6}>
                  {t("signIn.confirm")}
                </Button>
              </Form>
            )}
          </>
        )}
      </CardBody>
    </Card>
  );
}

export default function Account() {
  const { t } = useTranslation();
  const session = useSession().data;
  const a = session ? attributesOf(session) : {};
  const rights = a.rights ?? [];
  const say = useBuiltin();
  const texts = useRights();
  return (
    <>
      <Title title={t("account.title")} subtitle={t("account.subtitle")} />
      <PageSection>
        <Grid hasGutter>
          <GridItem span={12} lg={4}>
            <Card isFullHeight>
              <CardTitle component="h2">{a.title || a.name}</CardTitle>
              <CardBody>
                <DescriptionList isCompact>
                  <DescriptionListGroup>
                    <DescriptionListTerm>{t("account.role")}</DescriptionListTerm>
                    <DescriptionListDescription>{say(a.role)}</DescriptionListDescription>
                  </DescriptionListGroup>
                  <DescriptionListGroup>
                    <DescriptionListTerm>{t("account.tenant")}</DescriptionListTerm>
                    <DescriptionListDescription>{a.tenant}</DescriptionListDescription>
                  </DescriptionListGroup>
                  <DescriptionListGroup>
                    <DescriptionListTerm>{t("account.rights")}</DescriptionListTerm>
                    <DescriptionListDescription>
                      <ul className="siegel-rights">
                        {rights.map((right) => (
                          <li key={right}>{say(texts.data?.get(right)) || right}</li>
                        ))}
                      </ul>
                    </DescriptionListDescription>
                  </DescriptionListGroup>
                </DescriptionList>
              </CardBody>
            </Card>
          </GridItem>
          <GridItem span={12} md={6} lg={4}>
            <Password />
          </GridItem>
          <GridItem span={12} md={6} lg={4}>
            <Factor left={a.recovery_codes_left ?? 0} />
          </GridItem>
          <GridItem span={12}>
            <Sessions manages={rights.includes("accounts.manage")} />
          </GridItem>
        </Grid>
      </PageSection>
    </>
  );
}
