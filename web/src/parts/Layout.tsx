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
  NavGroup,
  NavItem,
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
import QuestionCircleIcon from "@patternfly/react-icons/dist/esm/icons/outlined-question-circle-icon";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import UserIcon from "@patternfly/react-icons/dist/esm/icons/user-icon";
import { type ReactNode, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useNavigate } from "react-router";
import { attributesOf, useSession } from "../api/session";
import { worded } from "../i18n/worded";
import { GROUPS, offered, type Place } from "../places";
import { useBeside } from "./beside";
import { useLeave } from "./leave";
import { LanguageSwitch, ThemeSwitch, ViewSwitch } from "./Switches";
import { useExpert } from "./view";

const ExpertNav = worded(() => import("../resources/ExpertNav"), "resources");

const Help = worded(() => import("./Help"), "help", "resources");
const Palette = worded(() => import("./Palette"), "palette", "resources");

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

function UserMenu({ name, rights }: { name: string; rights: readonly string[] }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const navigate = useNavigate();
  const leave = useLeave();
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
        {(rights.includes("certificates.own") || rights.includes("certificates.issue")) && (
          <DropdownItem key="portal" to="/portal/">
            {t("app.portal")}
          </DropdownItem>
        )}
        <DropdownItem key="leave" onClick={leave}>
          {t("app.signOut")}
        </DropdownItem>
      </DropdownList>
    </Dropdown>
  );
}

type Bar = ReturnType<typeof useSidebar>;

/** The head of every page: where one is, what one finds things by, who one is. */
function Top({ bar, beside, name, rights }: { bar: Bar; beside: ReturnType<typeof useBeside>; name: string; rights: readonly string[] }) {
  const { t } = useTranslation();
  return (
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
                <Button
                  variant="control"
                  icon={<SearchIcon />}
                  aria-label={`${t("app.palette")} (${t("app.paletteKey")})`}
                  aria-keyshortcuts="Control+K Meta+K"
                  aria-haspopup="dialog"
                  onClick={() => beside.setPalette(true)}
                >
                  <span className="siegel-wide">
                    {t("app.palette")} <kbd>{t("app.paletteKey")}</kbd>
                  </span>
                </Button>
              </ToolbarItem>
              <ToolbarItem>
                <Button
                  ref={beside.helpButton}
                  variant="plain"
                  icon={<QuestionCircleIcon />}
                  aria-label={t("app.help")}
                  title={`${t("app.help")} (F1)`}
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
                <UserMenu name={name} rights={rights} />
              </ToolbarItem>
            </ToolbarGroup>
          </ToolbarContent>
        </Toolbar>
      </MastheadContent>
    </Masthead>
  );
}

/** The places that one may go to. */
function Sidebar({ bar, path, rights }: { bar: Bar; path: string; rights: readonly string[] }) {
  const { t } = useTranslation();
  const expert = useExpert();
  const places = offered(rights, expert);
  const here = (to: string) => (to === "/" ? path === "/" : `${path}/`.startsWith(`${to}/`));
  const item = (place: Place) =>
    place.nav && (
      <NavItem key={place.path} isActive={here(place.path)}>
        <Link to={place.path} aria-current={here(place.path) ? "page" : undefined}>
          <span className="pf-v6-c-nav__link-icon">{place.nav.icon}</span>
          <span className="pf-v6-c-nav__link-text">{t(`nav.places.${place.nav.key}`)}</span>
        </Link>
      </NavItem>
    );
  return (
    <PageSidebar isSidebarOpen={bar.open}>
      <PageSidebarBody>
        <Nav aria-label={t("app.navigation")} onSelect={bar.chosen}>
          {bar.open && <ViewSwitch />}
          {expert ? (
            <Suspense fallback={null}>
              <ExpertNav places={places} item={item} here={here} />
            </Suspense>
          ) : (
            GROUPS.map((group) => {
              const inside = places.filter((place) => place.nav?.group === group);
              return inside.length === 0 ? null : (
                <NavGroup key={group} title={places.length > inside.length ? t(`nav.groups.${group}`) : undefined}>
                  {inside.map(item)}
                </NavGroup>
              );
            })
          )}
        </Nav>
      </PageSidebarBody>
    </PageSidebar>
  );
}

function Skip() {
  const { t } = useTranslation();
  return (
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
}

export function Layout({ children }: { children: ReactNode }) {
  const session = useSession();
  const location = useLocation();
  const bar = useSidebar();
  const beside = useBeside();
  const attributes = session.data ? attributesOf(session.data) : {};
  const rights = attributes.rights ?? [];
  return (
    <Page
      masthead={<Top bar={bar} beside={beside} name={attributes.title || attributes.name || ""} rights={rights} />}
      sidebar={<Sidebar bar={bar} path={location.pathname} rights={rights} />}
      skipToContent={<Skip />}
      mainContainerId="main"
      mainTabIndex={-1}
      onPageResize={watched}
      drawerDefaultSize="26rem"
      isNotificationDrawerExpanded={beside.help}
      notificationDrawer={
        <Suspense fallback={null}>
          {beside.help && <Help path={location.pathname} rights={rights} onClose={beside.closeHelp} />}
        </Suspense>
      }
    >
      {children}
      {beside.palette && (
        <Suspense fallback={null}>
          <Palette rights={rights} onClose={() => beside.setPalette(false)} onHelp={() => beside.setHelp(true)} />
        </Suspense>
      )}
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
