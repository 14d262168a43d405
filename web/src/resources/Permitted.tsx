// What every generated screen begins with: which resource it is, and whether one may see it.
import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";
import { useRights } from "../api/session";
import { useHead } from "../parts/head";
import { isResource, type Operation, permitted, resourceOf, type ResourceName } from "./model";
import { useWords } from "./words";

/** What stands instead of a screen, and where to go on. */
export function Instead({ title, text, to, label }: { title: string; text: string; to?: string; label?: string }) {
  useHead(title);
  return (
    <PageSection>
      <EmptyState titleText={title} headingLevel="h1">
        <EmptyStateBody>{text}</EmptyStateBody>
        {to && (
          <EmptyStateFooter>
            <EmptyStateActions>
              <Button variant="link" component={(props: object) => <Link {...props} to={to} />}>
                {label}
              </Button>
            </EmptyStateActions>
          </EmptyStateFooter>
        )}
      </EmptyState>
    </PageSection>
  );
}

/** Rights that change nothing (lib/rights.def): whoever manages accounts gives them without having them. */
const LOOKING = ["read", "machine.read", "audit.read"];

/** What is said of a right that one lacks: to whom that is for others to give, and what to do to whoever gives it. */
export function useLacking(): (right: string) => string {
  const words = useWords();
  const rights = useRights();
  return (right) => words.t(rights.includes("accounts.manage") && LOOKING.includes(right) ? "screen.forbiddenOwn" : "screen.forbiddenText", { right: words.right(right) });
}

/** The resource of the address, when there is one and the session carries the right for what the screen does with it. */
export function Permitted({ operation, children }: { operation: (name: ResourceName) => Operation | undefined | null; children: (name: ResourceName) => ReactNode }) {
  const { resource: name } = useParams();
  const words = useWords();
  const rights = useRights();
  const lacking = useLacking();
  if (!isResource(name)) {
    return <Instead title={words.t("screen.unknown")} text={words.t("screen.unknownText")} />;
  }
  const wanted = operation(name);
  const list = resourceOf(name).list;
  // Asked for by name and password, or by nobody in particular: no role has such a right.
  const byPrograms = wanted?.right === "basic" || (wanted?.right === "public" && wanted.method !== "GET");
  if (byPrograms) {
    return <Instead title={words.t("screen.unknown")} text={`${words.t("screen.programs")}. ${words.resource(name).first}`} to={`/r/${name}`} label={words.resource(name).title} />;
  }
  if (wanted === undefined) {
    return <Instead title={words.t("screen.unknown")} text={words.resource(name).first} to={list && `/r/${name}`} label={words.resource(name).title} />;
  }
  const right = wanted?.right ?? "";
  if (wanted && !permitted(wanted, rights)) {
    return <Instead title={words.t("screen.forbidden")} text={lacking(right)} />;
  }
  return children(name);
}
