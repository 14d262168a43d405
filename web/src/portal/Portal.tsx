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
import ClipboardListIcon from "@patternfly/react-icons/dist/esm/icons/clipboard-list-icon";
import HourglassHalfIcon from "@patternfly/react-icons/dist/esm/icons/hourglass-half-icon";
import IdCardIcon from "@patternfly/react-icons/dist/esm/icons/id-card-icon";
import PlusCircleIcon from "@patternfly/react-icons/dist/esm/icons/plus-circle-icon";
import UserIcon from "@patternfly/react-icons/dist/esm/icons/user-icon";
import { lazy, type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { BrowserRouter, Link, Route, Routes, useLocation } from "react-router";
import { signOut, useSetSession } from "../api/session";
import { Fault } from "../parts/Fault";
import { SignedIn, Waiting as Loading } from "../parts/SignedIn";
import { LanguageSwitch, ThemeSwitch } from "../parts/Switches";
import { mayAsk, useMe } from "./queries";

const Devices = lazy(() => import("./Devices"));
const Device = lazy(() => import("./Device"));
const One = lazy(() => import("./One"));
const Many = lazy(() => import("./Many"));
const Asked = lazy(() => import("./Asked"));
const Waits = lazy(() => import("./Waits"));
const Account = lazy(() => import("../screens/Account"));

const PLACES = [
  { path: "/", key: "devices", icon: <IdCardIcon /> },
  { path: "/one", key: "one", icon: <PlusCircleIcon /> },
  { path: "/many", key: "many", icon: <ClipboardListIcon /> },
  { path: "/waiting", key: "waiting", icon: <HourglassHalfIcon /> },
  { path: "/account", key: "account", icon: <UserIcon /> },
] as const;

/** Which of the places an address belongs to. */
function placeOf(path: string): string {
  if (path.startsWith("/devices")) {
    return "/";
  }
  return path.startsWith("/asked") ? "/waiting" : path;
}

function Places() {
  const { t } = useTranslation("portal");
  const here = placeOf(useLocation().pathname);
  return (
    <PageSection>
      <nav aria-label={t("navigation")}>
        <ul className="siegel-portal-nav">
          {PLACES.map((p) => (
            <li key={p.path}>
              <Link to={p.path} aria-current={here === p.path ? "page" : undefined}>
                {p.icon}
                {t(`nav.${p.key}`)}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
    </PageSection>
  );
}

const watched = () => undefined;

function Frame({ children }: { children: ReactNode }) {
  const { t } = useTranslation("portal");
  const { t: base } = useTranslation();
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
    <Page className="siegel-portal" masthead={masthead} skipToContent={skip} mainContainerId="main" mainTabIndex={-1} onPageResize={watched}>
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
        <Suspense fallback={<Loading />}>
          <Frame>
            <Fault>
              <Suspense fallback={<Loading />}>
                <Routes>
                  <Route path="/" element={<Devices />} />
                  <Route path="/devices/:id" element={<Device />} />
                  <Route path="/one" element={<One />} />
                  <Route path="/many" element={<Many />} />
                  <Route path="/asked/:id" element={<Asked />} />
                  <Route path="/waiting" element={<Waits />} />
                  <Route path="/account" element={<Account />} />
                  <Route path="*" element={<Devices />} />
                </Routes>
              </Suspense>
            </Fault>
          </Frame>
        </Suspense>
      </SignedIn>
    </BrowserRouter>
  );
}
