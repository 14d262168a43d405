// The navigation of the expert view: hand-made screens and, for every other resource, its generated one.
import { NavExpandable, NavItem, NavList } from "@patternfly/react-core";
import { type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "react-router";
import { GROUPS, type Place, PLACES } from "../places";
import { useRights } from "../api/session";
import { type Group, membersOf, type ResourceName, visible } from "./model";
import { useWords } from "./words";

const GENERATED: readonly string[] = ["authority", "enrolment", "people", "store", "operation"] satisfies Group[];

/** The resources of a group that the session may see and that have no hand-made screen in the navigation. */
export function generatedOf(group: string, rights: readonly string[]): ResourceName[] {
  const made = new Set(PLACES.filter((place) => place.nav).flatMap((place) => place.resources ?? []));
  return GENERATED.includes(group) ? membersOf(group as Group).filter((name) => !made.has(name) && visible(name, rights)) : [];
}

export default function ExpertNav({ places, item, here }: { places: Place[]; item: (place: Place) => ReactNode; here: (to: string) => boolean }) {
  const { t } = useTranslation();
  const words = useWords();
  const rights = useRights();
  const at = useLocation().pathname;
  return (
    <NavList>
      {GROUPS.map((group) => {
        const inside = places.filter((place) => place.nav?.group === group);
        const generated = generatedOf(group, rights);
        const active = inside.some((place) => here(place.path)) || generated.some((name) => here(`/r/${name}`));
        if (inside.length + generated.length === 0) {
          return null;
        }
        return (
          <NavExpandable key={`${group} ${active ? at : ""}`} title={t(`nav.groups.${group}`)} groupId={group} isActive={active} isExpanded={active || group === "daily"}>
            {inside.map(item)}
            {generated.map((name) => (
              <NavItem key={name} isActive={here(`/r/${name}`)}>
                <Link to={`/r/${name}`} aria-current={here(`/r/${name}`) ? "page" : undefined}>
                  {words.resource(name).title}
                </Link>
              </NavItem>
            ))}
          </NavExpandable>
        );
      })}
    </NavList>
  );
}
