import { Button, Content, Form, FormGroup, FormHelperText, HelperText, HelperTextItem, TextInput } from "@patternfly/react-core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { addPasskey, proveByPasskey, type Session } from "../api/session";
import { PasskeyError } from "../api/webauthn";
import { ErrorAlert } from "./ErrorAlert";
import { Notice } from "./Notice";

/** What the server or the browser had against it. */
export function PasskeyFault({ error, labels }: { error: unknown; labels?: Record<string, string> }) {
  const { t } = useTranslation();
  return error instanceof PasskeyError ? (
    <Notice variant="warning" title={t(`signIn.passkeyFault.${error.reason}`)} className="siegel-error" role="alert" />
  ) : (
    <ErrorAlert error={error} labels={labels} />
  );
}

/** The name of a new one; the browser does the rest. */
export function PasskeyForm({ onSession }: { onSession: (session: Session) => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const submit = useMutation({ mutationFn: () => addPasskey(name.trim()), onSuccess: onSession });
  return (
    <Form
      onSubmit={(event) => {
        event.preventDefault();
        submit.mutate();
      }}
    >
      <PasskeyFault error={submit.error} labels={{ name: t("signIn.passkeyName") }} />
      <FormGroup label={t("signIn.passkeyName")} fieldId="passkey-name" isRequired>
        <TextInput
          id="passkey-name"
          value={name}
          onChange={(_, v) => setName(v)}
          maxLength={63}
          aria-describedby="passkey-name-help"
          autoComplete="off"
          autoFocus
          isRequired
        />
        <FormHelperText>
          <HelperText>
            <HelperTextItem id="passkey-name-help">{t("signIn.passkeyNameHelp")}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      </FormGroup>
      <Button type="submit" variant="primary" isBlock isLoading={submit.isPending} isDisabled={submit.isPending || !name.trim()}>
        {t("signIn.passkeyAdd")}
      </Button>
    </Form>
  );
}

/** Proves the second factor by one. */
export function PasskeyProof({ onSession }: { onSession: (session: Session) => void }) {
  const { t } = useTranslation();
  const prove = useMutation({ mutationFn: proveByPasskey, onSuccess: onSession });
  return (
    <>
      <Content component="p">{t("signIn.provePasskeyText")}</Content>
      <PasskeyFault error={prove.error} />
      <Button variant="primary" isBlock isLoading={prove.isPending} isDisabled={prove.isPending} onClick={() => prove.mutate()}>
        {t("signIn.provePasskey")}
      </Button>
    </>
  );
}
