import { Bullseye, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection, Spinner } from "@patternfly/react-core";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { BrowserRouter, Route, Routes } from "react-router";
import { onSignedOut } from "./api/client";
import { attributesOf, useSession, useSetSession } from "./api/session";
import { ErrorAlert } from "./parts/ErrorAlert";
import { Fault } from "./parts/Fault";
import { Elsewhere, Layout } from "./parts/Layout";
import { PLACES } from "./places";
import { SignIn } from "./screens/SignIn";

function Waiting() {
  const { t } = useTranslation();
  return (
    <Bullseye>
      <Spinner aria-label={t("app.loading")} />
    </Bullseye>
  );
}

function NotFound() {
  const { t } = useTranslation();
  return (
    <PageSection>
      <EmptyState titleText={t("app.notFound")} headingLevel="h1">
        <EmptyStateBody>{t("app.notFoundBody")}</EmptyStateBody>
        <EmptyStateFooter>
          <EmptyStateActions>
            <Elsewhere />
          </EmptyStateActions>
        </EmptyStateFooter>
      </EmptyState>
    </PageSection>
  );
}

/** Who isn't signed in, or not completely, sees the way in; the address stays, so that he gets where he wanted to. */
function Gate({ children }: { children: ReactNode }) {
  const session = useSession();
  const setSession = useSetSession();
  const client = useQueryClient();
  const [ended, setEnded] = useState(false);
  useEffect(
    () =>
      onSignedOut(() => {
        setEnded(client.getQueryData(["session"]) != null);
        setSession(null);
      }),
    [client, setSession],
  );
  if (session.isPending) {
    return <Waiting />;
  }
  if (session.isError) {
    return (
      <PageSection>
        <ErrorAlert error={session.error} />
      </PageSection>
    );
  }
  if (!session.data || (attributesOf(session.data).missing ?? []).length > 0) {
    return <SignIn ended={ended} onDone={() => setEnded(false)} />;
  }
  return children;
}

export function App() {
  return (
    <BrowserRouter basename="/console">
      <Gate>
        <Layout>
          <Fault>
            <Suspense fallback={<Waiting />}>
              <Routes>
                {PLACES.map((place) => (
                  <Route key={place.path} path={place.path} element={<place.screen />} />
                ))}
                <Route path="*" element={<NotFound />} />
              </Routes>
            </Suspense>
          </Fault>
        </Layout>
      </Gate>
    </BrowserRouter>
  );
}
