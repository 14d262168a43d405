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
  PageSection,
} from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { attributesOf, type Session, useSession, useSetSession } from "../api/session";
import { useRenew } from "../api/keys";
import { useRightTexts } from "../api/rights";
import { useBuiltin } from "../i18n/say";
import { Title } from "../parts/Title";
import { CodeInput, PasswordForm, RecoveryCodes, TotpForm } from "./SignIn";
import { Notice } from "../parts/Notice";
import { Passkeys, Proved } from "./account/Passkeys";
import { accountOf, Sessions } from "./account/Sessions";

function Password() {
  const { t } = useTranslation();
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

function Factor({ session }: { session: Session }) {
  const { t } = useTranslation();
  const { t: ta } = useTranslation("access");
  const a = attributesOf(session);
  const setSession = useSetSession();
  const renew = useRenew();
  const [step, setStep] = useState<"closed" | "present" | "new">("closed");
  const [code, setCode] = useState("");
  const [finished, setFinished] = useState<Session | null>(null);
  const [done, setDone] = useState(false);
  const kept = () => {
    setSession(finished);
    setFinished(null);
    setStep("closed");
    setDone(true);
    void renew();
  };
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{t("account.factor")}</CardTitle>
      <CardBody>
        {done && <Notice variant="success" isLiveRegion title={t("account.factorDone")} />}
        {finished ? (
          <RecoveryCodes codes={attributesOf(finished).recovery_codes ?? []} onKept={kept} />
        ) : step === "new" ? (
          <Proved session={session}>
            <TotpForm code={a.totp ? code : undefined} onSession={setFinished} />
          </Proved>
        ) : (
          <>
            <Content component="p">{a.totp ? ta("appText") : ta("noApp")}</Content>
            <Content component="p">{t("account.recoveryLeft", { count: a.recovery_codes_left ?? 0 })}</Content>
            {step === "closed" ? (
              <Button variant="secondary" onClick={() => setStep(a.totp ? "present" : "new")}>
                {a.totp ? t("account.newFactor") : ta("setUpApp")}
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
            {session && <Factor session={session} />}
          </GridItem>
          <GridItem span={12}>{session && <Passkeys session={session} />}</GridItem>
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
