import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection } from "@patternfly/react-core";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { BrowserRouter, Route, Routes } from "react-router";
import { Fault } from "./parts/Fault";
import { SignedIn, Waiting } from "./parts/SignedIn";
import { Elsewhere, Layout } from "./parts/Layout";
import { portalAlone } from "./api/session";
import { PLACES } from "./places";

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

export function App() {
  return (
    <BrowserRouter basename="/console">
      <SignedIn elsewhere={(rights) => (portalAlone(rights) ? "/portal/" : null)}>
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
      </SignedIn>
    </BrowserRouter>
  );
}
