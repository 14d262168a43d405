import {
  Button,
  EmptyState,
  EmptyStateBody,
  Masthead,
  MastheadBrand,
  MastheadContent,
  MastheadLogo,
  MastheadMain,
  Page,
  PageSection,
  SkipToContent,
  Toolbar,
  ToolbarContent,
  ToolbarGroup,
  ToolbarItem,
} from "@patternfly/react-core";
import IdCardIcon from "@patternfly/react-icons/dist/esm/icons/id-card-icon";
import QuestionCircleIcon from "@patternfly/react-icons/dist/esm/icons/outlined-question-circle-icon";
import { type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { BrowserRouter, Link, Route, Routes, useLocation } from "react-router";
import { signOut, useSetSession } from "../api/session";
import { worded } from "../i18n/worded";
import { useBeside } from "../parts/beside";
import { Fault } from "../parts/Fault";
import { SignedIn, Waiting as Loading } from "../parts/SignedIn";
import { LanguageSwitch, ThemeSwitch } from "../parts/Switches";
import { mayAsk, useMe } from "./me";
import { PLACES, placeOf } from "./places";

const Help = worded(() => import("./Help"), "portal", "portalHelp");

function Places() {
  const { t } = useTranslation("portal");
  const place = placeOf(useLocation().pathname);
  const here = place.under ?? place.nav?.key;
  return (
    <PageSection>
      <nav aria-label={t("navigation")}>
        <ul className="siegel-portal-nav">
          {PLACES.map(
            ({ path, nav }) =>
              nav && (
                <li key={path}>
                  <Link to={path} aria-current={here === nav.key ? "page" : undefined}>
                    {nav.icon}
                    {t(`nav.${nav.key}`)}
                  </Link>
                </li>
              ),
          )}
        </ul>
      </nav>
    </PageSection>
  );
}

const watched = () => undefined;

function Frame({ children }: { children: ReactNode }) {
  const { t } = useTranslation("portal");
  const { t: base } = useTranslation();
  const { pathname } = useLocation();
  const beside = useBeside(false);
  const me = useMe();
  const setSession = useSetSession();
  const leave = () => {
    // Whatever the server says: this browser is out.
    void signOut()
      .catch(() => undefined)
      .then(() => setSession(null));
  };
  const masthead = (
    <Masthead>
      <MastheadMain>
        <MastheadBrand>
          <MastheadLogo component={(props: object) => <Link {...props} to="/" className="siegel-brand" aria-label={t("home")} />}>
            <img src="/console/siegel.svg" alt="" />
            {t("name")}
          </MastheadLogo>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <Toolbar isFullHeight isStatic>
          <ToolbarContent>
            <ToolbarGroup align={{ default: "alignEnd" }} gap={{ default: "gapSm" }}>
              {me.everything && (
                <ToolbarItem>
                  <Button variant="link" component="a" href="/console/">
                    {t("console")}
                  </Button>
                </ToolbarItem>
              )}
              <ToolbarItem>
                <Button
                  ref={beside.helpButton}
                  variant="plain"
                  icon={<QuestionCircleIcon />}
                  aria-label={base("app.help")}
                  title={`${base("app.help")} (F1)`}
                  aria-keyshortcuts="F1"
                  aria-expanded={beside.help}
                  onClick={() => beside.setHelp(!beside.help)}
                />
              </ToolbarItem>
              <ToolbarItem>
                <LanguageSwitch />
              </ToolbarItem>
              <ToolbarItem>
                <ThemeSwitch />
              </ToolbarItem>
              <ToolbarItem>
                <Button variant="secondary" onClick={leave}>
                  {base("app.signOut")}
                </Button>
              </ToolbarItem>
            </ToolbarGroup>
          </ToolbarContent>
        </Toolbar>
      </MastheadContent>
    </Masthead>
  );
  const skip = (
    <SkipToContent
      href="#main"
      onClick={(event) => {
        event.preventDefault();
        document.getElementById("main")?.focus();
      }}
    >
      {t("skip")}
    </SkipToContent>
  );
  return (
    <Page
      className="siegel-portal"
      masthead={masthead}
      skipToContent={skip}
      mainContainerId="main"
      mainTabIndex={-1}
      onPageResize={watched}
      drawerDefaultSize="26rem"
      isNotificationDrawerExpanded={beside.help}
      notificationDrawer={<Suspense fallback={null}>{beside.help && <Help path={pathname} onClose={beside.closeHelp} />}</Suspense>}
    >
      {mayAsk(me.rights) ? (
        <>
          <Places />
          {children}
        </>
      ) : (
        <PageSection>
          <EmptyState titleText={t("closed")} headingLevel="h1" icon={IdCardIcon}>
            <EmptyStateBody>{t("closedText")}</EmptyStateBody>
          </EmptyState>
        </PageSection>
      )}
    </Page>
  );
}

export function Portal() {
  return (
    <BrowserRouter basename="/portal">
      <SignedIn elsewhere={() => null}>
        <Frame>
          <Fault>
            <Suspense fallback={<Loading />}>
              <Routes>
                {PLACES.map((place) => (
                  <Route key={place.path} path={place.path} element={<place.screen />} />
                ))}
              </Routes>
            </Suspense>
          </Fault>
        </Frame>
      </SignedIn>
    </BrowserRouter>
  );
}
