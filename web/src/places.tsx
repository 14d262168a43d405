// Every screen: where it is, who may see it, and its place in the navigation. The routes (App.tsx) and the navigation (parts/Layout.tsx) are made of it.
import CertificateIcon from "@patternfly/react-icons/dist/esm/icons/certificate-icon";
import PlusCircleIcon from "@patternfly/react-icons/dist/esm/icons/plus-circle-icon";
import TachometerAltIcon from "@patternfly/react-icons/dist/esm/icons/tachometer-alt-icon";
import UserIcon from "@patternfly/react-icons/dist/esm/icons/user-icon";
import { type ComponentType, lazy, type ReactNode } from "react";
import type { Words } from "./i18n/words";

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
  /** The resource whose generated list (/r/<resource>) it takes the place of in the navigation. */
  resource?: string;
  screen: ComponentType;
}

const Resources = lazy(() => import("./screens/Resources"));

export const PLACES: Place[] = [
  { path: "/", right: "read", nav: { key: "dashboard", icon: <TachometerAltIcon />, group: "daily" }, screen: lazy(() => import("./screens/Dashboard")) },
  { path: "/issue", right: "certificates.issue", nav: { key: "issue", icon: <PlusCircleIcon />, group: "daily" }, screen: lazy(() => import("./screens/Issue")) },
  { path: "/certificates", right: "read", nav: { key: "certificates", icon: <CertificateIcon />, group: "daily" }, resource: "certificates", screen: lazy(() => import("./screens/Inventory")) },
  { path: "/certificates/:id", right: "read", screen: lazy(() => import("./screens/Certificate")) },
  { path: "/r/:resource", right: null, screen: Resources },
  { path: "/r/:resource/:id/*", right: null, screen: Resources },
  { path: "/account", right: null, nav: { key: "account", icon: <UserIcon />, group: "self" }, screen: lazy(() => import("./screens/Account")) },
];

/** What somebody with these rights finds in the navigation. */
export function offered(rights: readonly string[], expert: boolean): Place[] {
  return PLACES.filter((place) => place.nav && (expert || !place.expert) && (place.right === null || rights.includes(place.right)));
}
