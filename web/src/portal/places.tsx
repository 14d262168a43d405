// Every screen of the portal: where it is, what help belongs to it, and its place in the navigation. The routes and the navigation (Portal.tsx) are made of it.
import ClipboardListIcon from "@patternfly/react-icons/dist/esm/icons/clipboard-list-icon";
import HourglassHalfIcon from "@patternfly/react-icons/dist/esm/icons/hourglass-half-icon";
import IdCardIcon from "@patternfly/react-icons/dist/esm/icons/id-card-icon";
import PlusCircleIcon from "@patternfly/react-icons/dist/esm/icons/plus-circle-icon";
import UserIcon from "@patternfly/react-icons/dist/esm/icons/user-icon";
import { type ComponentType, type ReactNode } from "react";
import { matchPath } from "react-router";
import { worded } from "../i18n/worded";
import type { Words } from "../i18n/words";

export type Topic = keyof Words["portalHelp"]["topics"];
type Nav = keyof Words["portal"]["nav"];

export interface Place {
  path: string;
  help: Topic;
  /** Beside the help: where to go on. */
  related: Nav[];
  nav?: { key: Nav; icon: ReactNode };
  /** Which place of the navigation it belongs to; itself when it has one. */
  under?: Nav;
  screen: ComponentType;
}

const Devices = worded(() => import("./Devices"), "portal", "work");

export const PLACES: Place[] = [
  { path: "/", help: "devices", related: ["one", "waiting"], nav: { key: "devices", icon: <IdCardIcon /> }, screen: Devices },
  { path: "/devices/:id", help: "device", related: ["devices", "waiting"], under: "devices", screen: worded(() => import("./Device"), "portal", "work") },
  { path: "/one", help: "one", related: ["many", "waiting"], nav: { key: "one", icon: <PlusCircleIcon /> }, screen: worded(() => import("./One"), "portal") },
  { path: "/many", help: "many", related: ["one", "waiting"], nav: { key: "many", icon: <ClipboardListIcon /> }, screen: worded(() => import("./Many"), "portal") },
  { path: "/asked/:id", help: "asked", related: ["waiting", "devices"], under: "waiting", screen: worded(() => import("./Asked"), "portal", "work") },
  { path: "/waiting", help: "waiting", related: ["devices", "one"], nav: { key: "waiting", icon: <HourglassHalfIcon /> }, screen: worded(() => import("./Waits"), "portal", "work") },
  { path: "/account", help: "account", related: ["devices"], nav: { key: "account", icon: <UserIcon /> }, screen: worded(() => import("../screens/Account"), "access") },
  { path: "*", help: "devices", related: ["one", "waiting"], screen: Devices },
];

/** The place of an address: that of any other is the one that stands for all. */
export function placeOf(path: string): Place {
  return PLACES.find((place) => matchPath(place.path, path)) as Place;
}

/** Where an entry of the navigation leads to. */
export function addressOf(nav: Nav): string {
  return PLACES.find((place) => place.nav?.key === nav)?.path ?? "/";
}
