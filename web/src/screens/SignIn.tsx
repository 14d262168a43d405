import {
  Button,
  ClipboardCopy,
  Content,
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
import {
  attributesOf,
  beginTotp,
  confirmTotp,
  type Missing,
  proveFactor,
  type Session,
  setPassword,
  signIn,
  signOut,
  useSession,
  useSetSession,
} from "../api/session";
import { Code } from "../parts/Code";
import { ErrorAlert } from "../parts/ErrorAlert";
import { QrCode } from "../parts/QrCode";
import { LanguageSwitch, ThemeSwitch } from "../parts/Switches";
import { Notice } from "../parts/Notice";

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
        <ErrorAlert error={submit.error} labels={labels} />
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
    </>
  );
}

function Factor({ onSession }: { onSession: (session: Session) => void }) {
  const { t } = useTranslation();
  const [code, setCode] = useState("");
  const [recovery, setRecovery] = useState(false);
  const submit = useMutation({ mutationFn: () => proveFactor(recovery ? { recovery_code: code.trim() } : { code }), onSuccess: onSession });
  return (
    <>
      <Title headingLevel="h1">{t("signIn.factorTitle")}</Title>
      <Content component="p">{recovery ? t("signIn.useRecovery") : t("signIn.factorText")}</Content>
      <Form onSubmit={handler(() => submit.mutate())}>
        <ErrorAlert error={submit.error} labels={{ code: t(recovery ? "signIn.recovery" : "signIn.digits") }} />
        <Field id="factor" label={t(recovery ? "signIn.recovery" : "signIn.digits")}>
          {recovery ? (
            <TextInput id="factor" value={code} onChange={(_, v) => setCode(v)} autoComplete="off" className="siegel-mono" autoFocus isRequired />
          ) : (
            <CodeInput id="factor" value={code} onChange={setCode} />
          )}
        </Field>
        <Submit label={t("signIn.confirm")} busy={submit.isPending} off={recovery ? !code.trim() : code.length !== 6} />
        <Button
          variant="link"
          isInline
          onClick={() => {
            setRecovery(!recovery);
            setCode("");
            submit.reset();
          }}
        >
          {t(recovery ? "signIn.useApp" : "signIn.useRecovery")}
        </Button>
      </Form>
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

/** A secret for the app, its picture, and the code that proves that the app has it. code: of the second factor that is to be replaced. */
export function TotpForm({ code: present, onSession }: { code?: string; onSession: (session: Session) => void }) {
  const { t } = useTranslation();
  const [code, setCode] = useState("");
  const begin = useMutation({ mutationFn: () => beginTotp(present) });
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
  return (
    <Stack hasGutter>
      <StackItem>
        <Content component="p">{t("signIn.recoveryText")}</Content>
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
          {step === "second_factor" && <Factor onSession={next} />}
          {step === "password" && (
            <>
              <Title headingLevel="h1">{title}</Title>
              <Content component="p">{t("signIn.passwordText")}</Content>
              <PasswordForm current={false} onSession={next} />
            </>
          )}
          {step === "totp" && (
            <>
              <Title headingLevel="h1">{title}</Title>
              <Content component="p">{t("signIn.totpText")}</Content>
              <TotpForm onSession={next} />
            </>
          )}
          {step === "recovery" && (
            <>
              <Title headingLevel="h1">{title}</Title>
              <RecoveryCodes codes={codes} onKept={kept} />
            </>
          )}
          {step !== "claim" && step !== "recovery" && (
            <Button variant="link" isInline onClick={startOver}>
              {t("signIn.startOver")}
            </Button>
          )}
        </div>
      </main>
    </div>
  );
}
