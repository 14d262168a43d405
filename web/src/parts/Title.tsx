import { Content, PageSection, Split, SplitItem, Title as Heading } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { useHead } from "./head";

/** The head of a page: one h1, and the same in the browser's title. */
export function Title({ title, subtitle, actions, above }: { title: string; subtitle?: string; actions?: ReactNode; above?: ReactNode }) {
  useHead(title);
  return (
    <PageSection>
      {above}
      <Split hasGutter isWrappable className="siegel-head">
        <SplitItem isFilled>
          <Heading headingLevel="h1" className="siegel-title">
            {title}
          </Heading>
          {subtitle && <Content component="p">{subtitle}</Content>}
        </SplitItem>
        {actions && <SplitItem>{actions}</SplitItem>}
      </Split>
    </PageSection>
  );
}
