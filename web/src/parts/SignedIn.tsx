import { Bullseye, PageSection, Spinner } from "@patternfly/react-core";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { onProof, onSignedOut } from "../api/client";
import { attributesOf, useSession, useSetSession } from "../api/session";
import { worded } from "../i18n/worded";
import { ErrorAlert } from "./ErrorAlert";
import { expectPage } from "./head";

// Who is signed in doesn't load the way in.
const SignIn = worded(() => import("../screens/SignIn"));
const Prove = worded(() => import("./Prove"), "access");

/** Asks for a proof where the API wants one, of who has something to prove with; the others are told by the error itself. */
function Prover({ able }: { able: boolean }) {
  const [done, setDone] = useState<((proved: boolean) => void) | null>(null);
  useEffect(() => {
    let asked: Promise<boolean> | null = null;
    onProof(
      able
        ? () =>
            (asked ??= new Promise<boolean>((resolve) =>
              setDone(() => (proved: boolean) => {
                asked = null;
                setDone(null);
                resolve(proved);
              }),
            ))
        : null,
    );
    return () => onProof(null);
  }, [able]);
  return (
    done && (
      <Suspense>
        <Prove onDone={done} />
      </Suspense>
    )
  );
}

export function Waiting() {
  const { t } = useTranslation();
  return (
    <Bullseye>
      <Spinner aria-label={t("app.loading")} />
    </Bullseye>
  );
}

/** Who isn't signed in, or not completely, sees the way in; the address stays, so that he gets where he wanted to. elsewhere: the address where
 * somebody with these rights belongs, when it isn't here. */
export function SignedIn({ children, elsewhere }: { children: ReactNode; elsewhere: (rights: readonly string[]) => string | null }) {
  const session = useSession();
  const setSession = useSetSession();
  const client = useQueryClient();
  const [ended, setEnded] = useState(false);
  useEffect(
    () =>
      onSignedOut(() => {
        // Several questions may be told so at once: the first one ends it.
        const was = client.getQueryData(["session"]) != null;
        setEnded((already) => already || was);
        setSession(null);
      }),
    [client, setSession],
  );
  const attributes = session.data ? attributesOf(session.data) : null;
  const signedIn = attributes !== null && (attributes.missing ?? []).length === 0;
  const to = signedIn ? elsewhere(attributes.rights ?? []) : null;
  useEffect(() => {
    if (to !== null) {
      window.location.replace(to);
    }
  }, [to]);
  useEffect(() => {
    if (!session.isPending && !signedIn) {
      expectPage();
    }
  }, [session.isPending, signedIn]);
  if (session.isPending || to !== null) {
    return <Waiting />;
  }
  if (session.isError) {
    return (
      <PageSection>
        <ErrorAlert error={session.error} />
      </PageSection>
    );
  }
  if (!signedIn) {
    return (
      <Suspense fallback={<Waiting />}>
        <SignIn ended={ended} onDone={() => setEnded(false)} />
      </Suspense>
    );
  }
  return (
    <>
      {children}
      <Prover able={Boolean(attributes?.totp) || (attributes?.passkeys ?? 0) > 0} />
    </>
  );
}
