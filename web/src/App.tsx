import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection } from "@patternfly/react-core";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { BrowserRouter, Route, Routes } from "react-router";
import { worded } from "./i18n/worded";
import { Fault } from "./parts/Fault";
import { SignedIn, Waiting } from "./parts/SignedIn";
import { Elsewhere, Layout } from "./parts/Layout";
import { portalAlone, useMay } from "./api/session";
import { useHead } from "./parts/head";
import { type Place, PLACES } from "./places";

const Forbidden = worded(() => import("./screens/Forbidden"), "resources");

function NotFound() {
  const { t } = useTranslation();
  useHead(t("app.notFound"));
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

/** A screen for those who have its right; the others are told so before anything is asked for. */
function Gate({ place }: { place: Place }) {
  const may = useMay();
  return place.right === null || may(place.right) ? <place.screen /> : <Forbidden right={place.right} />;
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
                  <Route key={place.path} path={place.path} element={<Gate place={place} />} />
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
