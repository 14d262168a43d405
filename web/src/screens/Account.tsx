import {
  ActionList,
  ActionListItem,
  Button,
  Card,
  CardBody,
  CardTitle,
  Content,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Grid,
  GridItem,
  PageSection,
} from "@patternfly/react-core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { attributesOf, removeTotp, type Session, useSession, useSetSession } from "../api/session";
import { useRenew } from "../api/keys";
import { useRightTexts } from "../api/rights";
import { useBuiltin } from "../i18n/say";
import { Title } from "../parts/Title";
import { PasswordForm, RecoveryCodes, TotpForm } from "./SignIn";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Notice } from "../parts/Notice";
import { Passkeys, Proved } from "./account/Passkeys";
import { accountOf, Sessions } from "./account/Sessions";

function Password({ opens }: { opens: boolean }) {
  const { t } = useTranslation();
  const { t: ta } = useTranslation("access");
  const setSession = useSetSession();
  const renew = useRenew();
  const [open, setOpen] = useState(false);
  const [done, setDone] = useState(false);
  const changed = (session: Session) => {
    setSession(session);
    setOpen(false);
    setDone(true);
    void renew();
  };
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{t("account.password")}</CardTitle>
      <CardBody>
        {done && <Notice variant="success" isLiveRegion title={t("account.changed")} />}
        {!opens ? (
          <Content component="p">{ta("noPassword")}</Content>
        ) : open ? (
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

function Factor({ session }: { session: Session }) {
  const { t } = useTranslation();
  const { t: ta } = useTranslation("access");
  const a = attributesOf(session);
  const setSession = useSetSession();
  const renew = useRenew();
  const [open, setOpen] = useState(false);
  const [finished, setFinished] = useState<Session | null>(null);
  const [done, setDone] = useState(false);
  const changed = (now: Session | null) => {
    setSession(now);
    setFinished(null);
    setOpen(false);
    setDone(true);
    void renew();
  };
  const remove = useMutation({ mutationFn: removeTotp, onMutate: () => setDone(false), onSuccess: changed });
  const removable = a.totp && ((a.passkeys ?? 0) > 0 || a.sign_in !== "any");
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{t("account.factor")}</CardTitle>
      <CardBody>
        {done && <Notice variant="success" isLiveRegion title={t("account.factorDone")} />}
        {finished ? (
          <RecoveryCodes codes={attributesOf(finished).recovery_codes ?? []} onKept={() => changed(finished)} />
        ) : open ? (
          <Proved session={session}>
            <TotpForm onSession={setFinished} />
          </Proved>
        ) : (
          <>
            <Content component="p">{ta(a.totp ? "appText" : a.sign_in === "any" ? "noApp" : "noAppProof")}</Content>
            <Content component="p">{t("account.recoveryLeft", { count: a.recovery_codes_left ?? 0 })}</Content>
            <ErrorAlert error={remove.error} />
            <ActionList>
              <ActionListItem>
                <Button variant="secondary" onClick={() => setOpen(true)}>
                  {a.totp ? t("account.newFactor") : ta("setUpApp")}
                </Button>
              </ActionListItem>
              {removable && (
                <ActionListItem>
                  <Button variant="secondary" isLoading={remove.isPending} isDisabled={remove.isPending} onClick={() => remove.mutate()}>
                    {ta("removeApp")}
                  </Button>
                </ActionListItem>
              )}
            </ActionList>
          </>
        )}
      </CardBody>
    </Card>
  );
}

export default function Account() {
  const { t } = useTranslation();
  const { t: ta } = useTranslation("access");
  const session = useSession().data;
  const a = session ? attributesOf(session) : {};
  const rights = a.rights ?? [];
  const say = useBuiltin();
  const texts = useRightTexts();
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
                    <DescriptionListTerm>{ta("signIn")}</DescriptionListTerm>
                    <DescriptionListDescription>{ta(`rules.${a.sign_in ?? "any"}`)}</DescriptionListDescription>
                  </DescriptionListGroup>
                </DescriptionList>
              </CardBody>
            </Card>
          </GridItem>
          <GridItem span={12} md={6} lg={4}>
            <Password opens={a.sign_in === "any"} />
          </GridItem>
          <GridItem span={12} md={6} lg={4}>
            {session && <Factor session={session} />}
          </GridItem>
          <GridItem span={12}>{session && <Passkeys session={session} />}</GridItem>
          <GridItem span={12}>
            <Card>
              <CardTitle component="h2">{t("account.rights")}</CardTitle>
              <CardBody>
                <ul className="siegel-rights">
                  {rights.map((right) => (
                    <li key={right}>{say(texts.data?.get(right)) || right}</li>
                  ))}
                </ul>
              </CardBody>
            </Card>
          </GridItem>
          <GridItem span={12}>{session && <Sessions account={accountOf(session)} />}</GridItem>
          {rights.includes("accounts.manage") && (
            <GridItem span={12}>
              <Sessions />
            </GridItem>
          )}
        </Grid>
      </PageSection>
    </>
  );
}
