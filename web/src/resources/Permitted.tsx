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

/** The resource of the address, when there is one and the session carries the right for what the screen does with it. */
export function Permitted({ operation, children }: { operation: (name: ResourceName) => Operation | undefined | null; children: (name: ResourceName) => ReactNode }) {
  const { resource: name } = useParams();
  const words = useWords();
  const rights = useRights();
  if (!isResource(name)) {
    return <Instead title={words.t("screen.unknown")} text={words.t("screen.unknownText")} />;
  }
  const wanted = operation(name);
  const list = resourceOf(name).list;
  if (wanted === undefined) {
    return <Instead title={words.t("screen.unknown")} text={words.resource(name).first} to={list && `/r/${name}`} label={words.resource(name).title} />;
  }
  const right = wanted?.right ?? "";
  if (wanted && !permitted(wanted, rights)) {
    return <Instead title={words.t("screen.forbidden")} text={words.t("screen.forbiddenText", { right: words.right(right) })} />;
  }
  return children(name);
}
