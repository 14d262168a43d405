// The page of a CA: what it is, its certificates, its key, its lists, and all that can be done to it.
import { Breadcrumb, BreadcrumbItem, Button, PageSection, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { useAll, useOne } from "../api/hooks";
import { type Item, type Outcome, related, text } from "../api/rest";
import { useMay } from "../api/session";
import { date } from "../format";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Done } from "../parts/kit";
import { Notice } from "../parts/Notice";
import { useFocusKept } from "../parts/head";
import { Title } from "../parts/Title";
import { type Action, CaDialog } from "./authority/CaDialog";
import { Certificates, Key, Lists, Overview, Request } from "./authority/cards";
import { actionsOf, type CaAction, endsSoon } from "./hierarchy";

function Heading({ ca }: { ca: Item }) {
  const { t } = useTranslation("hierarchy");
  const name = text(ca, "name");
  return (
    <Title
      title={name}
      subtitle={text(ca, "subject")}
      above={
        <Breadcrumb aria-label={t("path")}>
          <BreadcrumbItem>
            <Link to="/hierarchy">{t("title")}</Link>
          </BreadcrumbItem>
          <BreadcrumbItem isActive>{name}</BreadcrumbItem>
        </Breadcrumb>
      }
    />
  );
}

/** What can be done to it; a CA below it is made on a page of its own. */
function Actions({ name, actions, onChoose }: { name: string; actions: readonly CaAction[]; onChoose: (action: Action) => void }) {
  const { t } = useTranslation("hierarchy");
  return (
    <div className="siegel-actions" role="group" aria-label={t("whatToDo")}>
      {actions.map((a) =>
        a === "subordinate" ? (
          <Button key={a} component={(props: object) => <Link {...props} to={`/hierarchy/new?parent=${encodeURIComponent(name)}`} />}>
            {t("newBelow")}
          </Button>
        ) : (
          <Button
            key={a}
            variant={a === "retire" || a === "revoke" || a === "remove" ? "danger" : a === "install" ? "primary" : "secondary"}
            onClick={() => onChoose(a)}
          >
            {t(`actions.${a}.button`)}
          </Button>
        ),
      )}
    </div>
  );
}

function Page({ ca, cas }: { ca: Item; cas: readonly Item[] }) {
  const { t, i18n } = useTranslation("hierarchy");
  const navigate = useNavigate();
  const may = useMay();
  const [action, setAction] = useState<Action | null>(null);
  const [done, setDone] = useState<{ outcome: Outcome; action: Action } | null>(null);
  useFocusKept(`${text(ca, "status")} ${action === null ? "" : "asked"}`);
  const names = new Map(cas.map((c) => [c.id, text(c, "name")]));
  const actions = may("cas.manage") ? actionsOf(ca) : [];
  const choose = (a: Action) => {
    setDone(null);
    setAction(a);
  };
  const finish = (a: Action, outcome: Outcome) => {
    setAction(null);
    setDone({ outcome, action: a });
    if (a === "remove" && !outcome.approval) {
      void navigate("/hierarchy");
    }
  };
  const parts: Record<string, ReactNode> = {
    done: done && <Done outcome={done.outcome} text={t(`actions.${done.action}.done`)} />,
    ends: endsSoon(ca) && (
      <Notice variant="warning" title={t("endsSoon", { date: date(i18n.language, text(ca, "not_after")) })}>
        {t("endsSoonText")}
      </Notice>
    ),
    actions: actions.length > 0 && <Actions name={text(ca, "name")} actions={actions} onChoose={choose} />,
    overview: <Overview ca={ca} below={cas.filter((c) => related(c, "parent") === ca.id)} names={names} />,
    key: <Key ca={ca} />,
    lists: <Lists ca={ca} />,
    request: text(ca, "csr") !== "" && <Request ca={ca} />,
    certificates: <Certificates ca={ca} names={names} />,
  };
  return (
    <>
      <Heading ca={ca} />
      <PageSection>
        <Stack hasGutter>{Object.entries(parts).map(([key, part]) => part && <StackItem key={key}>{part}</StackItem>)}</Stack>
        {action && <CaDialog key={action} ca={ca} action={action} onClose={() => setAction(null)} onDone={(outcome) => finish(action, outcome)} />}
      </PageSection>
    </>
  );
}

export default function Authority() {
  const { t } = useTranslation("hierarchy");
  const { id = "" } = useParams();
  const cas = useAll("/cas");
  const one = useOne(`/cas/${id}`);
  if (one.data) {
    return <Page key={id} ca={one.data} cas={cas.data ?? []} />;
  }
  return (
    <>
      <Title title={t("ca")} />
      <PageSection>
        <ErrorAlert error={one.error} />
        {one.isPending && <Skeleton height="20rem" screenreaderText={t("loading")} />}
      </PageSection>
    </>
  );
}
