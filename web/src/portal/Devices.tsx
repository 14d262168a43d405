import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection, Skeleton, TextInput } from "@patternfly/react-core";
import IdCardIcon from "@patternfly/react-icons/dist/esm/icons/id-card-icon";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { date } from "../format";
import { Pages } from "../parts/Pages";
import { Title } from "../parts/Title";
import { Go, PassLabel, Trouble } from "./parts";
import { type Pass, type Thing, usePasses } from "./queries";

function Entry({ pass }: { pass: Thing<Pass> }) {
  const { t, i18n } = useTranslation("portal");
  const a = pass.attributes;
  return (
    <li>
      <Link to={`/devices/${pass.id}`}>
        <strong>{a.common_name || a.subject || a.serial}</strong>
        <PassLabel pass={a} />
        <small>
          {t("devices.until")} {date(i18n.language, a.not_after)}
        </small>
      </Link>
    </li>
  );
}

export default function Devices() {
  const { t } = useTranslation("portal");
  const { t: base } = useTranslation();
  const [text, setText] = useState("");
  const [search, setSearch] = useState("");
  const { found: page, rows, turn } = usePasses(search);
  const find = (what: string) => {
    setText(what);
    setSearch(what.trim());
  };
  const nothing = page.data && rows.length === 0 && !turn.next && !turn.previous;
  return (
    <>
      <Title title={t("devices.title")} subtitle={t("devices.subtitle")} actions={<Go to="/one">{t("nav.one")}</Go>} />
      <PageSection>
        {(search || !nothing) && (
          <form
            role="search"
            className="siegel-find"
            onSubmit={(event: FormEvent) => {
              event.preventDefault();
              find(text);
            }}
          >
            <TextInput type="search" aria-label={t("devices.search")} placeholder={t("devices.search")} value={text} onChange={(_, v) => setText(v)} />
            <Button type="submit" variant="secondary">
              {t("devices.doSearch")}
            </Button>
            {search && (
              <Button variant="link" onClick={() => find("")}>
                {t("devices.clear")}
              </Button>
            )}
          </form>
        )}
        <Trouble error={page.error} />
        {page.isPending && <Skeleton height="16rem" screenreaderText={base("app.loading")} />}
        <ul className="siegel-devices">
          {rows.map((pass) => (
            <Entry key={pass.id} pass={pass} />
          ))}
        </ul>
        {nothing && (
          <EmptyState titleText={t(search ? "devices.notFound" : "devices.none")} headingLevel="h2" icon={search ? SearchIcon : IdCardIcon}>
            <EmptyStateBody>{t(search ? "devices.notFoundText" : "devices.noneText")}</EmptyStateBody>
            <EmptyStateFooter>
              <EmptyStateActions>{!search && <Go to="/one">{t("nav.one")}</Go>}</EmptyStateActions>
            </EmptyStateFooter>
          </EmptyState>
        )}
        <Pages turn={turn} names={{ previous: t("devices.previous"), next: t("devices.next") }} />
      </PageSection>
    </>
  );
}
