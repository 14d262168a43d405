import {
  Button,
  Dropdown,
  DropdownItem,
  DropdownList,
  Masthead,
  MastheadBrand,
  MastheadContent,
  MastheadLogo,
  MastheadMain,
  MastheadToggle,
  MenuToggle,
  Nav,
  NavItem,
  NavList,
  Page,
  PageSidebar,
  PageSidebarBody,
  PageToggleButton,
  SkipToContent,
  Toolbar,
  ToolbarContent,
  ToolbarGroup,
  ToolbarItem,
} from "@patternfly/react-core";
import CertificateIcon from "@patternfly/react-icons/dist/esm/icons/certificate-icon";
import PlusCircleIcon from "@patternfly/react-icons/dist/esm/icons/plus-circle-icon";
import TachometerAltIcon from "@patternfly/react-icons/dist/esm/icons/tachometer-alt-icon";
import UserIcon from "@patternfly/react-icons/dist/esm/icons/user-icon";
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useNavigate } from "react-router";
import { attributesOf, signOut, useSession, useSetSession } from "../api/session";
import { LanguageSwitch, ThemeSwitch } from "./Switches";

const PLACES = [
  { to: "/", key: "dashboard", icon: <TachometerAltIcon />, right: "read" },
  { to: "/issue", key: "issue", icon: <PlusCircleIcon />, right: "certificates.issue" },
  { to: "/certificates", key: "certificates", icon: <CertificateIcon />, right: "read" },
  { to: "/account", key: "account", icon: <UserIcon />, right: null },
] as const;

// Narrower than this the navigation lies over the page (PatternFly's xl).
const WIDE = window.matchMedia("(min-width: 75rem)");

// PatternFly looks at the page's width for nobody who doesn't ask.
const watched = () => undefined;

/** Open where there is room for it; elsewhere until somebody has chosen where to go. */
function useSidebar() {
  const [open, setOpen] = useState(WIDE.matches);
  useEffect(() => {
    const change = () => setOpen(WIDE.matches);
    WIDE.addEventListener("change", change);
    return () => WIDE.removeEventListener("change", change);
  }, []);
  return { open, toggle: () => setOpen(!open), chosen: () => setOpen(WIDE.matches && open) };
}

function UserMenu({ name }: { name: string }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const navigate = useNavigate();
  const setSession = useSetSession();
  const leave = () => {
    // Whatever the server says: this browser is out.
    void signOut()
      .catch(() => undefined)
      .then(() => {
        setSession(null);
        void navigate("/");
      });
  };
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      onSelect={() => setOpen(false)}
      popperProps={{ position: "right" }}
      toggle={(ref) => (
        <MenuToggle ref={ref} onClick={() => setOpen(!open)} isExpanded={open} icon={<UserIcon />} aria-label={t("app.account", { name })}>
          {name}
        </MenuToggle>
      )}
    >
      <DropdownList>
        <DropdownItem key="own" onClick={() => void navigate("/account")}>
          {t("app.own")}
        </DropdownItem>
        <DropdownItem key="leave" onClick={leave}>
          {t("app.signOut")}
        </DropdownItem>
      </DropdownList>
    </Dropdown>
  );
}

export function Layout({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const session = useSession();
  const location = useLocation();
  const bar = useSidebar();
  const attributes = session.data ? attributesOf(session.data) : {};
  const rights = attributes.rights ?? [];
  const here = (to: string) => (to === "/" ? location.pathname === "/" : location.pathname.startsWith(to));
  const masthead = (
    <Masthead>
      <MastheadMain>
        <MastheadToggle>
          <PageToggleButton
            isHamburgerButton
            isSidebarOpen={bar.open}
            onSidebarToggle={bar.toggle}
            aria-label={t("app.toggleNavigation")}
            id="siegel-nav-toggle"
          />
        </MastheadToggle>
        <MastheadBrand>
          <MastheadLogo component={(props: object) => <Link {...props} to="/" className="siegel-brand" />}>
            <img src="/console/siegel.svg" alt="" />
            {t("app.name")}
          </MastheadLogo>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <Toolbar isFullHeight isStatic>
          <ToolbarContent>
            <ToolbarGroup align={{ default: "alignEnd" }} gap={{ default: "gapSm" }}>
              <ToolbarItem>
                <LanguageSwitch />
              </ToolbarItem>
              <ToolbarItem>
                <ThemeSwitch />
              </ToolbarItem>
              <ToolbarItem>
                <UserMenu name={attributes.title || attributes.name || ""} />
              </ToolbarItem>
            </ToolbarGroup>
          </ToolbarContent>
        </Toolbar>
      </MastheadContent>
    </Masthead>
  );
  const sidebar = (
    <PageSidebar isSidebarOpen={bar.open}>
      <PageSidebarBody>
        <Nav aria-label={t("app.navigation")} onSelect={bar.chosen}>
          <NavList>
            {PLACES.filter((place) => place.right === null || rights.includes(place.right)).map((place) => (
              <NavItem key={place.to} isActive={here(place.to)}>
                <Link to={place.to} aria-current={here(place.to) ? "page" : undefined}>
                  <span className="pf-v6-c-nav__link-icon">{place.icon}</span>
                  <span className="pf-v6-c-nav__link-text">{t(`nav.${place.key}`)}</span>
                </Link>
              </NavItem>
            ))}
          </NavList>
        </Nav>
      </PageSidebarBody>
    </PageSidebar>
  );
  const skip = (
    <SkipToContent
      href="#main"
      onClick={(event) => {
        event.preventDefault();
        document.getElementById("main")?.focus();
      }}
    >
      {t("app.skip")}
    </SkipToContent>
  );
  return (
    <Page masthead={masthead} sidebar={sidebar} skipToContent={skip} mainContainerId="main" mainTabIndex={-1} onPageResize={watched}>
      {children}
    </Page>
  );
}

export function Elsewhere() {
  const { t } = useTranslation();
  return (
    <Button variant="link" component={(props: object) => <Link {...props} to="/" />}>
      {t("app.home")}
    </Button>
  );
}
