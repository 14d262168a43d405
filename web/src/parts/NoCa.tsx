// Before there is a CA: what is missing, and the way to it; of the dashboard, the form, the inventory and the hierarchy.
import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter } from "@patternfly/react-core";
import SitemapIcon from "@patternfly/react-icons/dist/esm/icons/sitemap-icon";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useMay } from "../api/session";

export default function NoCa() {
  const { t } = useTranslation("inventory");
  const may = useMay()("cas.manage");
  return (
    <EmptyState titleText={t("noCa.title")} headingLevel="h2" icon={SitemapIcon}>
      <EmptyStateBody>
        {t("noCa.text")} {t(may ? "noCa.make" : "noCa.ask")}
      </EmptyStateBody>
      {may && (
        <EmptyStateFooter>
          <EmptyStateActions>
            <Button component={(props: object) => <Link {...props} to="/hierarchy/new" />}>{t("noCa.button")}</Button>
          </EmptyStateActions>
        </EmptyStateFooter>
      )}
    </EmptyState>
  );
}
