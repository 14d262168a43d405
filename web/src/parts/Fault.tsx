import { Button, EmptyState, EmptyStateActions, EmptyStateFooter, PageSection } from "@patternfly/react-core";
import { Component, type ReactNode } from "react";
import { Translation } from "react-i18next";

/** A page that breaks takes nothing else with it. */
export class Fault extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) {
      return this.props.children;
    }
    return (
      <Translation>
        {(t) => (
          <PageSection>
            <EmptyState titleText={t("app.fault")} headingLevel="h1" status="danger">
              <EmptyStateFooter>
                <EmptyStateActions>
                  <Button onClick={() => window.location.reload()}>{t("app.reload")}</Button>
                </EmptyStateActions>
              </EmptyStateFooter>
            </EmptyState>
          </PageSection>
        )}
      </Translation>
    );
  }
}
