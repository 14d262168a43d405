import {
  Button,
  ClipboardCopy,
  Content,
  Divider,
  ExpandableSection,
  Form,
  FormGroup,
  FormHelperText,
  HelperText,
  HelperTextItem,
  InputGroup,
  InputGroupItem,
  Stack,
  StackItem,
  TextInput,
  Title,
} from "@patternfly/react-core";
import EyeIcon from "@patternfly/react-icons/dist/esm/icons/eye-icon";
import EyeSlashIcon from "@patternfly/react-icons/dist/esm/icons/eye-slash-icon";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { goToCard, takeCard } from "../api/card";
import { ApiError } from "../api/client";
import {
  attributesOf,
  beginTotp,
  confirmTotp,
  type Missing,
  proveFactor,
  type Session,
  setPassword,
  signIn,
  signInByPasskey,
  signOut,
  useSession,
  useSetSession,
  useWays,
} from "../api/session";
import { passkeysPossible } from "../api/webauthn";
import { Code } from "../parts/Code";
import { ErrorAlert } from "../parts/ErrorAlert";
import { QrCode } from "../parts/QrCode";
import { LanguageSwitch, ThemeSwitch } from "../parts/Switches";
import { Notice } from "../parts/Notice";
import { PasskeyFault, PasskeyForm, PasskeyProof } from "../parts/Passkey";
import { useArrival } from "../parts/head";

const PASSWORD_LEAST = 12;

function Field({ id, label, help, children }: { id: string; label: string; help?: ReactNode; children: ReactNode }) {
  return (
    <FormGroup label={label} fieldId={id} isRequired>
      {children}
      {help && (
        <FormHelperText>
          <HelperText>
            <HelperTextItem id={`${id}-help`}>{help}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}

/** A secret that can be looked at while it is typed. */
function SecretInput(props: { id: string; value: string; onChange: (value: string) => void; autoComplete: string; focus?: boolean }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(false);
  return (
    <InputGroup>
      <InputGroupItem isFill>
        <TextInput
          id={props.id}
          type={shown ? "text" : "password"}
          value={props.value}
          onChange={(_, value) => props.onChange(value)}
          autoComplete={props.autoComplete}
          autoFocus={props.focus}
          isRequired
        />
      </InputGroupItem>
      <InputGroupItem>
        <Button
          variant="control"
          icon={shown ? <EyeSlashIcon /> : <EyeIcon />}
          aria-label={t(shown ? "signIn.hidePassword" : "signIn.showPassword")}
          onClick={() => setShown(!shown)}
        />
      </InputGroupItem>
    </InputGroup>
  );
}

export function CodeInput({ id, value, onChange, focus = true }: { id: string; value: string; onChange: (value: string) => void; focus?: boolean }) {
  return (
    <TextInput
      id={id}
      value={value}
      onChange={(_, text) => onChange(text.replace(/\D/g, "").slice(0, 6))}
      inputMode="numeric"
      autoComplete="one-time-code"
      className="siegel-mono"
      autoFocus={focus}
      isRequired
    />
  );
}

function Submit({ label, busy, off }: { label: string; busy: boolean; off: boolean }) {
  return (
    <Button type="submit" variant="primary" isBlock isLoading={busy} isDisabled={busy || off}>
      {label}
    </Button>
  );
}

function handler(go: () => void) {
  return (event: FormEvent) => {
    event.preventDefault();
    go();
  };
}

const CAUSES = [
  "none", "expired", "revoked", "on_hold", "foreign", "unbound", "withdrawn", "not_yet_valid", "purpose", "ca", "lost", "unreadable",
] as const;

/** What the browser brought back from where it was asked for a certificate: read once, wherever React draws it again. */
const returned = typeof window === "undefined" ? null : takeCard();

/** Without a password: by a passkey, or by a certificate, which is asked for under another name. */
function OtherWays({ onSession }: { onSession: (session: Session) => void }) {
  const { t } = useTranslation();
  const ways = useWays().data;
  const passkey = useMutation({ mutationFn: signInByPasskey, onSuccess: onSession });
  const card = useMutation({ mutationFn: goToCard });
  const taken = useMutation({ mutationFn: signIn, onSuccess: onSession });
  const [refused, setRefused] = useState(returned?.refused);
  const asked = useRef(false);
  useEffect(() => {
    if (returned?.claim && !asked.current) {
      asked.current = true;
      const claim = returned.claim;
      returned.claim = undefined;
      taken.mutate(claim);
    }
    if (returned) {
      returned.refused = undefined;
    }
  }, [taken]);
  const offersPasskey = ways?.passkey && passkeysPossible();
  if (!offersPasskey && !ways?.card_url) {
    return null;
  }
  const cause = CAUSES.find((one) => one === refused) ?? "unreadable";
  return (
    <Stack hasGutter className="siegel-ways">
      <StackItem>
        <Divider />
      </StackItem>
      {refused && (
        <StackItem>
          <Notice variant="warning" title={t("signIn.cardRefused")} role="alert">
            {t(`signIn.card.${cause}`)}
          </Notice>
        </StackItem>
      )}
      {(passkey.error || taken.error || card.error) && (
        <StackItem>
          <PasskeyFault error={passkey.error ?? taken.error ?? card.error} />
        </StackItem>
      )}
      {offersPasskey && (
        <StackItem>
          <Button variant="secondary" isBlock isLoading={passkey.isPending} isDisabled={passkey.isPending} onClick={() => passkey.mutate()}>
            {t("signIn.withPasskey")}
          </Button>
        </StackItem>
      )}
      {ways?.card_url && (
        <StackItem>
          <Button
            variant="secondary"
            isBlock
            isLoading={taken.isPending}
            isDisabled={card.isPending || taken.isPending}
            onClick={() => {
              setRefused(undefined);
              card.mutate(ways.card_url ?? "");
            }}
          >
            {t("signIn.withCard")}
          </Button>
        </StackItem>
      )}
    </Stack>
  );
}

/** Name and password, or a one-time code. */
function Claim({ onSession }: { onSession: (session: Session) => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [secret, setSecret] = useState("");
  const [tenant, setTenant] = useState("");
  const [withCode, setWithCode] = useState(false);
  const evidence = withCode ? { one_time_code: secret.trim() } : { password: secret };
  const submit = useMutation({
    mutationFn: () => signIn({ name: name.trim(), ...(tenant.trim() ? { tenant: tenant.trim() } : {}), ...evidence }),
    onSuccess: onSession,
  });
  const labels = { name: t("signIn.name"), password: t("signIn.password"), one_time_code: t("signIn.code"), tenant: t("signIn.tenant") };
  return (
    <>
      <Title headingLevel="h1">{t("signIn.title")}</Title>
      <Content component="p">{t("signIn.subtitle")}</Content>
      <Form onSubmit={handler(() => submit.mutate())}>
        {submit.error instanceof ApiError && submit.error.status === 403 ? (
          <Notice variant="warning" title={t("signIn.notByThis")} className="siegel-error" role="alert" />
        ) : (
          <ErrorAlert error={submit.error} labels={labels} />
        )}
        <Field id="name" label={t("signIn.name")}>
          <TextInput id="name" value={name} onChange={(_, v) => setName(v)} autoComplete="username" autoCapitalize="none" autoFocus isRequired />
        </Field>
        {withCode ? (
          <Field id="code" label={t("signIn.code")} help={t("signIn.codeHelp")}>
            <TextInput id="code" value={secret} onChange={(_, v) => setSecret(v)} autoComplete="off" spellCheck="false" className="siegel-mono" isRequired />
          </Field>
        ) : (
          <Field id="password" label={t("signIn.password")}>
            <SecretInput id="password" value={secret} onChange={setSecret} autoComplete="current-password" />
          </Field>
        )}
        <ExpandableSection toggleText={t("signIn.otherTenant")}>
          <FormGroup label={t("signIn.tenant")} fieldId="tenant">
            <TextInput id="tenant" value={tenant} onChange={(_, v) => setTenant(v)} autoComplete="organization" aria-describedby="tenant-help" />
            <FormHelperText>
              <HelperText>
                <HelperTextItem id="tenant-help">{t("signIn.tenantHelp")}</HelperTextItem>
              </HelperText>
            </FormHelperText>
          </FormGroup>
        </ExpandableSection>
        <Submit label={t("signIn.submit")} busy={submit.isPending} off={!name.trim() || !secret.trim()} />
        <Button
          variant="link"
          isInline
          onClick={() => {
            setWithCode(!withCode);
            setSecret("");
            submit.reset();
          }}
        >
          {t(withCode ? "signIn.usePassword" : "signIn.useCode")}
        </Button>
      </Form>
      <OtherWays onSession={onSession} />
    </>
  );
}

/** The second factor, by what the account has: a passkey, the app, a recovery code. */
export function FactorForm({ session, onSession }: { session: Session; onSession: (session: Session) => void }) {
  const { t } = useTranslation();
  const a = attributesOf(session);
  const hasPasskey = (a.passkeys ?? 0) > 0 && passkeysPossible();
  const [way, setWay] = useState<"passkey" | "app" | "recovery">(hasPasskey ? "passkey" : a.totp ? "app" : "recovery");
  const [code, setCode] = useState("");
  const submit = useMutation({ mutationFn: () => proveFactor(way === "recovery" ? { recovery_code: code.trim() } : { code }), onSuccess: onSession });
  const others = ([hasPasskey && "passkey", a.totp && "app", "recovery"] as const).filter((one) => one && one !== way);
  const words = { passkey: "signIn.provePasskey", app: "signIn.useApp", recovery: "signIn.useRecovery" } as const;
  return (
    <Stack hasGutter>
      <StackItem>
        {way === "passkey" ? (
          <PasskeyProof onSession={onSession} />
        ) : (
          <>
            {way === "app" && <Content component="p">{t("signIn.factorText")}</Content>}
            <Form onSubmit={handler(() => submit.mutate())}>
              <ErrorAlert error={submit.error} labels={{ code: t(way === "recovery" ? "signIn.recovery" : "signIn.digits") }} />
              <Field id="factor" label={t(way === "recovery" ? "signIn.recovery" : "signIn.digits")}>
                {way === "recovery" ? (
                  <TextInput id="factor" value={code} onChange={(_, v) => setCode(v)} autoComplete="off" className="siegel-mono" autoFocus isRequired />
                ) : (
                  <CodeInput id="factor" value={code} onChange={setCode} />
                )}
              </Field>
              <Submit label={t("signIn.confirm")} busy={submit.isPending} off={way === "recovery" ? !code.trim() : code.length !== 6} />
            </Form>
          </>
        )}
      </StackItem>
      {others.map(
        (one) =>
          one && (
            <StackItem key={one}>
              <Button
                variant="link"
                isInline
                onClick={() => {
                  setWay(one);
                  setCode("");
                  submit.reset();
                }}
              >
                {t(words[one])}
              </Button>
            </StackItem>
          ),
      )}
    </Stack>
  );
}

/** The first second factor: an app, or a passkey. */
function SetUp({ title, onSession }: { title: string; onSession: (session: Session) => void }) {
  const { t } = useTranslation();
  const possible = !!useWays().data?.passkey && passkeysPossible();
  const [passkey, setPasskey] = useState(false);
  return (
    <>
      <Title headingLevel="h1">{title}</Title>
      <Content component="p">{t(passkey ? "signIn.passkeyText" : "signIn.totpText")}</Content>
      {passkey ? <PasskeyForm onSession={onSession} /> : <TotpForm onSession={onSession} />}
      {possible && (
        <div>
          <Button variant="link" isInline onClick={() => setPasskey(!passkey)}>
            {t(passkey ? "signIn.setUpApp" : "signIn.setUpPasskey")}
          </Button>
        </div>
      )}
    </>
  );
}

/** The first password, or with current another one. */
export function PasswordForm({ current, onSession }: { current: boolean; onSession: (session: Session) => void }) {
  const { t } = useTranslation();
  const [old, setOld] = useState("");
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const submit = useMutation({
    mutationFn: () => setPassword({ password: first, ...(current ? { current_password: old } : {}) }),
    onSuccess: onSession,
  });
  const length = [...first].length;
  const short = length > 0 && length < PASSWORD_LEAST ? t("signIn.tooShort", { n: PASSWORD_LEAST - length }) : undefined;
  const differs = second && !first.startsWith(second) ? t("signIn.differs") : undefined;
  const labels = { password: t("signIn.newPassword"), current_password: t("account.currentPassword") };
  return (
    <Form onSubmit={handler(() => submit.mutate())}>
      <ErrorAlert error={submit.error} labels={labels} />
      {current && (
        <Field id="old" label={t("account.currentPassword")}>
          <SecretInput id="old" value={old} onChange={setOld} autoComplete="current-password" focus />
        </Field>
      )}
      <Field id="new" label={t("signIn.newPassword")} help={short}>
        <SecretInput id="new" value={first} onChange={setFirst} autoComplete="new-password" focus={!current} />
      </Field>
      <Field id="again" label={t("signIn.repeat")} help={differs}>
        <SecretInput id="again" value={second} onChange={setSecond} autoComplete="new-password" />
      </Field>
      <Submit label={t("signIn.save")} busy={submit.isPending} off={length < PASSWORD_LEAST || first !== second || (current && !old)} />
    </Form>
  );
}

/** A secret for the app, its picture, and the code that proves that the app has it. */
export function TotpForm({ onSession }: { onSession: (session: Session) => void }) {
  const { t } = useTranslation();
  const [code, setCode] = useState("");
  const begin = useMutation({ mutationFn: beginTotp });
  const submit = useMutation({ mutationFn: () => confirmTotp(code), onSuccess: onSession });
  const asked = useRef(false);
  useEffect(() => {
    if (!asked.current) {
      asked.current = true;
      begin.mutate();
    }
  }, [begin]);
  const shown = begin.data ? attributesOf(begin.data) : undefined;
  return (
    <Form onSubmit={handler(() => submit.mutate())}>
      <ErrorAlert error={begin.error ?? submit.error} labels={{ code: t("signIn.digits") }} />
      {shown?.uri && shown.secret && (
        <Stack hasGutter>
          <StackItem>
            <QrCode text={shown.uri} label={t("signIn.totpPicture")} />
          </StackItem>
          <StackItem>
            <Content component="small">{t("signIn.totpManual")}</Content>
            <ClipboardCopy
              isReadOnly
              isCode
              hoverTip={t("common.copy")}
              clickTip={t("common.copied")}
              copyAriaLabel={t("common.copy")}
              textAriaLabel={t("signIn.totpManual")}
            >
              {shown.secret.replace(/(.{4})(?=.)/g, "$1 ")}
            </ClipboardCopy>
          </StackItem>
          <StackItem>
            <Field id="digits" label={t("signIn.digits")}>
              <CodeInput id="digits" value={code} onChange={setCode} />
            </Field>
          </StackItem>
        </Stack>
      )}
      <Submit label={t("signIn.totpSubmit")} busy={submit.isPending} off={code.length !== 6} />
    </Form>
  );
}

/** Shown once, before anything else goes on. */
export function RecoveryCodes({ codes, onKept }: { codes: string[]; onKept: () => void }) {
  const { t } = useTranslation();
  const here = useArrival<HTMLDivElement>();
  return (
    <Stack hasGutter>
      <StackItem>
        <div ref={here} tabIndex={-1} className="siegel-arrived">
          <Content component="p">{t("signIn.recoveryText")}</Content>
        </div>
      </StackItem>
      <StackItem>
        <Code label={t("signIn.recoveryTitle")} text={codes.join("\n")} file="siegel-recovery-codes.txt" type="text/plain" />
      </StackItem>
      <StackItem>
        <Button variant="primary" isBlock onClick={onKept}>
          {t("signIn.recoveryDone")}
        </Button>
      </StackItem>
    </Stack>
  );
}

export default function SignIn({ ended, onDone }: { ended: boolean; onDone: () => void }) {
  const { t } = useTranslation();
  const session = useSession().data ?? null;
  const setSession = useSetSession();
  const [finished, setFinished] = useState<Session | null>(null);
  const missing = (session ? (attributesOf(session).missing ?? []) : []) as Missing[];
  const codes = finished ? (attributesOf(finished).recovery_codes ?? []) : [];
  const step = finished ? "recovery" : (missing[0] ?? "claim");
  const titles = {
    claim: "signIn.title",
    second_factor: "signIn.factorTitle",
    password: "signIn.passwordTitle",
    totp: "signIn.totpTitle",
    passkey: "signIn.passkeyAdd",
    recovery: "signIn.recoveryTitle",
  } as const;
  const title = t(titles[step]);
  useEffect(() => {
    document.title = `${title} · Siegel`;
  }, [title]);
  const next = (one: Session) => {
    if (attributesOf(one).recovery_codes) {
      setFinished(one);
    } else {
      onDone();
      setSession(one);
    }
  };
  const kept = () => {
    onDone();
    setSession(finished);
  };
  const startOver = () => void signOut().catch(() => undefined).then(() => setSession(null));
  return (
    <div className="siegel-entry">
      <header className="siegel-entry-brand">
        <img src="/console/siegel.svg" alt="" />
        <div>
          <div className="siegel-entry-name">{t("app.name")}</div>
          <div className="siegel-entry-claim">{t("app.claim")}</div>
        </div>
      </header>
      <main className="siegel-entry-form">
        <div className="siegel-entry-tools">
          <LanguageSwitch />
          <ThemeSwitch />
        </div>
        <div className="siegel-entry-inner">
          {ended && step === "claim" && <Notice variant="info" title={t("signIn.ended")} />}
          {step === "claim" && <Claim onSession={next} />}
          {step === "second_factor" && session && (
            <>
              <Title headingLevel="h1">{title}</Title>
              <FactorForm session={session} onSession={next} />
            </>
          )}
          {step === "password" && (
            <>
              <Title headingLevel="h1">{title}</Title>
              <Content component="p">{t("signIn.passwordText")}</Content>
              <PasswordForm current={false} onSession={next} />
            </>
          )}
          {step === "passkey" && (
            <>
              <Title headingLevel="h1">{title}</Title>
              <Content component="p">{t("signIn.passkeyText")}</Content>
              <PasskeyForm onSession={next} />
            </>
          )}
          {step === "totp" && <SetUp title={title} onSession={next} />}
          {step === "recovery" && (
            <>
              <Title headingLevel="h1">{title}</Title>
              <RecoveryCodes codes={codes} onKept={kept} />
            </>
          )}
          {step !== "claim" && step !== "recovery" && (
            <div className="siegel-ways">
              <Button variant="link" isInline onClick={startOver}>
                {t("signIn.startOver")}
              </Button>
            </div>
          )}
        </div>
      </main>
    </div>
  );
}
