// Every screen: where it is, who may see it, and its place in the navigation. The routes (App.tsx) and the navigation (parts/Layout.tsx) are made of it.
import CertificateIcon from "@patternfly/react-icons/dist/esm/icons/certificate-icon";
import ClipboardCheckIcon from "@patternfly/react-icons/dist/esm/icons/clipboard-check-icon";
import CogIcon from "@patternfly/react-icons/dist/esm/icons/cog-icon";
import FileImportIcon from "@patternfly/react-icons/dist/esm/icons/file-import-icon";
import HistoryIcon from "@patternfly/react-icons/dist/esm/icons/history-icon";
import KeyIcon from "@patternfly/react-icons/dist/esm/icons/key-icon";
import ListIcon from "@patternfly/react-icons/dist/esm/icons/list-icon";
import LockIcon from "@patternfly/react-icons/dist/esm/icons/lock-icon";
import PluggedIcon from "@patternfly/react-icons/dist/esm/icons/plugged-icon";
import SitemapIcon from "@patternfly/react-icons/dist/esm/icons/sitemap-icon";
import TasksIcon from "@patternfly/react-icons/dist/esm/icons/tasks-icon";
import PlusCircleIcon from "@patternfly/react-icons/dist/esm/icons/plus-circle-icon";
import TachometerAltIcon from "@patternfly/react-icons/dist/esm/icons/tachometer-alt-icon";
import UserIcon from "@patternfly/react-icons/dist/esm/icons/user-icon";
import { type ComponentType, type ReactNode } from "react";
import { worded } from "./i18n/worded";
import type { Words } from "./i18n/words";
import Dashboard from "./screens/Dashboard";

/** The groups of the navigation, in their order: the words are those of base, nav.groups. */
export const GROUPS = ["daily", "authority", "enrolment", "people", "store", "operation", "self"] as const satisfies readonly (keyof Words["base"]["nav"]["groups"])[];

export interface Place {
  /** A route below /console. */
  path: string;
  /** The right that the session has to carry; null when none is needed. */
  right: string | null;
  /** Shown in the expert view alone; its address works in both. */
  expert?: boolean;
  /** Its entry in the navigation: its word under base, nav.places. Without it the screen is reached from others. */
  nav?: { key: keyof Words["base"]["nav"]["places"]; icon: ReactNode; group: (typeof GROUPS)[number] };
  /** The resources whose generated lists (/r/<resource>) it takes the place of in the navigation, the one that it is about first; of a screen of one
      thing (:id) those whose things it shows. */
  resources?: readonly string[];
  screen: ComponentType;
}

// The dashboard is what is seen first: fetched when it is wanted it would be seen 0.3 s later, for React keeps what it shows while it waits so long.
const Resources = worded(() => import("./screens/Resources"), "actions", "inventory", "resources", "work");
const Approvals = worded(() => import("./screens/Approvals"), "actions", "approvals", "resources", "work");
const Imports = worded(() => import("./screens/Imports"), "actions", "resources", "work");
const Jobs = worded(() => import("./screens/Jobs"), "actions", "resources", "work");

export const PLACES: Place[] = [
  { path: "/", right: "read", nav: { key: "dashboard", icon: <TachometerAltIcon />, group: "daily" }, screen: Dashboard },
  { path: "/issue", right: "certificates.issue", nav: { key: "issue", icon: <PlusCircleIcon />, group: "daily" }, screen: worded(() => import("./screens/Issue"), "inventory") },
  { path: "/certificates", right: "read", nav: { key: "certificates", icon: <CertificateIcon />, group: "daily" }, resources: ["certificates"], screen: worded(() => import("./screens/Inventory"), "actions", "inventory", "resources", "work") },
  { path: "/certificates/:id", right: "read", resources: ["certificates", "certificate", "cert_server", "cert_client", "cert_device"], screen: worded(() => import("./screens/Certificate"), "inventory", "work") },
  { path: "/hierarchy", right: "read", expert: true, nav: { key: "hierarchy", icon: <SitemapIcon />, group: "authority" }, resources: ["cas"], screen: worded(() => import("./screens/Hierarchy"), "hierarchy", "inventory") },
  { path: "/hierarchy/new", right: "cas.manage", expert: true, screen: worded(() => import("./screens/NewAuthority"), "hierarchy") },
  { path: "/hierarchy/:id", right: "read", expert: true, resources: ["cas"], screen: worded(() => import("./screens/Authority"), "hierarchy", "inventory") },
  { path: "/keys", right: "read", expert: true, nav: { key: "keys", icon: <KeyIcon />, group: "store" }, resources: ["key_stores"], screen: worded(() => import("./screens/Keys"), "keys") },
  { path: "/profiles", right: "read", expert: true, nav: { key: "profiles", icon: <ListIcon />, group: "authority" }, resources: ["profiles", "policies"], screen: worded(() => import("./screens/Profiles"), "rules") },
  { path: "/profiles/:id", right: "read", expert: true, resources: ["profiles"], screen: worded(() => import("./screens/Profile"), "resources", "rules", "structures") },
  { path: "/policies/:id", right: "read", expert: true, resources: ["policies"], screen: worded(() => import("./screens/Policy"), "resources", "rules", "structures") },
  { path: "/enrollment", right: "read", expert: true, nav: { key: "enrolment", icon: <PluggedIcon />, group: "enrolment" }, resources: ["est_labels", "scep_profiles", "acme_directories", "enrollment_codes"], screen: worded(() => import("./screens/Enrolment"), "enrolment", "work") },
  { path: "/approvals", right: "read", nav: { key: "approvals", icon: <ClipboardCheckIcon />, group: "daily" }, resources: ["approvals"], screen: Approvals },
  { path: "/approvals/:id", right: "read", resources: ["approvals"], screen: Approvals },
  { path: "/imports", right: "read", expert: true, nav: { key: "imports", icon: <FileImportIcon />, group: "operation" }, resources: ["imports"], screen: Imports },
  { path: "/imports/:id", right: "read", expert: true, resources: ["imports"], screen: Imports },
  { path: "/jobs", right: "read", expert: true, nav: { key: "jobs", icon: <TasksIcon />, group: "operation" }, resources: ["jobs"], screen: Jobs },
  { path: "/jobs/:id", right: "read", expert: true, resources: ["jobs"], screen: Jobs },
  { path: "/secrets", right: "read", expert: true, nav: { key: "secrets", icon: <LockIcon />, group: "store" }, resources: ["secrets", "archived_keys"], screen: worded(() => import("./screens/Secrets"), "secrets", "work") },
  { path: "/audit", right: "audit.read", expert: true, nav: { key: "audit", icon: <HistoryIcon />, group: "operation" }, resources: ["audit_events", "audit_seals"], screen: worded(() => import("./screens/Audit"), "actions", "audit", "resources", "work") },
  { path: "/settings", right: "read", expert: true, nav: { key: "settings", icon: <CogIcon />, group: "operation" }, resources: ["settings"], screen: worded(() => import("./screens/Settings"), "resources", "settings") },
  { path: "/r/:resource", right: null, screen: Resources },
  { path: "/r/:resource/:id/*", right: null, screen: Resources },
  { path: "/account", right: null, nav: { key: "account", icon: <UserIcon />, group: "self" }, screen: worded(() => import("./screens/Account"), "access") },
];

/** The place of that address, when there is one and these rights allow it. */
export function placeOf(path: string, rights: readonly string[]): Place | undefined {
  return PLACES.find((place) => place.path === path && (place.right === null || rights.includes(place.right)));
}

/** The screen of one thing of the resource; null when the generated one shows it. */
export function placeOfOne(resource: string, id: string): string | null {
  const place = PLACES.find((one) => one.path.endsWith("/:id") && one.resources?.includes(resource));
  return place ? place.path.replace(":id", encodeURIComponent(id)) : null;
}

/** What somebody with these rights finds in the navigation. */
export function offered(rights: readonly string[], expert: boolean): Place[] {
  return PLACES.filter((place) => place.nav && (expert || !place.expert) && (place.right === null || rights.includes(place.right)));
}
