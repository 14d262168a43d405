import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, Spinner } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import type { Reach } from "../../api/rest";
import { date } from "../../format";
import { ATTRIBUTES, SORTS } from "../inventory";
import { columnWord } from "./words";

/** "Looked through up to: Issued at 12 May 2024". */
export function useReach(reach: Reach | undefined): string {
  const { t, i18n } = useTranslation("inventory");
  const by = SORTS.find((one) => one === reach?.looked_by);
  if (!by || !reach?.looked_to) {
    return "";
  }
  return t("reach", { what: columnWord(t, by), value: ATTRIBUTES[by] === "time" ? date(i18n.language, reach.looked_to) : reach.looked_to });
}

/** A long list is looked through part by part: how far that is, and an end to it. */
export function Looking({ parts, reach, onStop }: { parts: number; reach: string; onStop: () => void }) {
  const { t } = useTranslation("inventory");
  const { t: base } = useTranslation();
  return (
    <EmptyState titleText={t("looking")} headingLevel="h2" icon={() => <Spinner aria-label={base("app.loading")} />}>
      <EmptyStateBody aria-live="polite">
        <div>{reach}</div>
        {t("lookingText", { n: parts })}
      </EmptyStateBody>
      <EmptyStateFooter>
        <EmptyStateActions>
          <Button variant="secondary" onClick={onStop}>
            {t("stop")}
          </Button>
        </EmptyStateActions>
      </EmptyStateFooter>
    </EmptyState>
  );
}
