// Making one, and changing one.
import { Breadcrumb, BreadcrumbItem, PageSection, Skeleton } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import type { Outcome } from "../api/rest";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Done } from "../parts/kit";
import { Title } from "../parts/Title";
import { isDone } from "./Act";
import { labelsOf, type One, useThing } from "./api";
import { FirstCode, useFirstCode } from "./FirstCode";
import { ResourceForm } from "./Form";
import { keptOf } from "./typed";
import { addressOf, labelOf, onceOf, type Operation, resourceOf, type ResourceName, type Thing } from "./model";
import { Once } from "./Once";
import { useForm } from "./useForm";
import { useWords } from "./words";

function Crumbs({ resource, here }: { resource: ResourceName; here: string }) {
  const words = useWords();
  const title = words.resource(resource).title;
  return (
    <Breadcrumb aria-label={words.t("screen.list")}>
      <BreadcrumbItem render={({ className }) => <Link className={className} to={`/r/${resource}`}>{title}</Link>} />
      <BreadcrumbItem isActive>{here}</BreadcrumbItem>
    </Breadcrumb>
  );
}

export function ResourceNew({ resource, operation }: { resource: ResourceName; operation: Operation }) {
  const words = useWords();
  const navigate = useNavigate();
  const [outcome, setOutcome] = useState<Outcome<Thing> | null>(null);
  const own = words.resource(resource);
  const leadsOn = useFirstCode();
  const open = (id: string) => void navigate(addressOf(resource, id), { state: { said: words.t("screen.created") } });
  const form = useForm({
    operation,
    onOutcome: (what) => {
      if (isDone(what) && what.item && !(resource === "accounts" && leadsOn) && onceOf(resource, what.item).length === 0) {
        open(what.item.id);
      } else {
        setOutcome(what);
      }
    },
  });
  const made = outcome && isDone(outcome) ? outcome.item : null;
  return (
    <>
      <Title title={own.create ?? words.t("screen.create")} subtitle={own.purpose} above={<Crumbs resource={resource} here={own.create ?? words.t("screen.create")} />} />
      <PageSection>
        {outcome && <Done outcome={outcome} />}
        {made && resource === "accounts" && <FirstCode account={made} onDone={() => open(made.id)} />}
        {made && resource !== "accounts" && <Once resource={resource} shown={onceOf(resource, made)} onKept={() => open(made.id)} />}
        {!outcome && (
          <ResourceForm
            resource={resource}
            operation={operation}
            form={form}
            submitText={words.t("screen.create")}
            onCancel={() => void navigate(`/r/${resource}`)}
          />
        )}
      </PageSection>
    </>
  );
}

function Change({ resource, operation, one, onReload }: { resource: ResourceName; operation: Operation; one: One; onReload: () => void }) {
  const words = useWords();
  const navigate = useNavigate();
  const [outcome, setOutcome] = useState<Outcome<Thing> | null>(null);
  const back = addressOf(resource, one.data.id);
  const labels = labelsOf(one.included);
  const chosen = Object.fromEntries(
    Object.entries(one.data.relationships ?? {}).map(([name, other]) => [name, other?.data ? (labels[`${other.data.type}/${other.data.id}`] ?? other.data.id) : ""]),
  );
  const form = useForm({
    operation,
    thing: one.data,
    labels: chosen,
    etag: one.etag,
    onOutcome: (what) => {
      if (isDone(what)) {
        const kept = what.item ? keptOf(form.fields, form.values, what.item) : [];
        const names = kept.map((name) => words.attribute(resource, name)).join(", ");
        void navigate(back, { state: { said: kept.length > 0 ? words.t("screen.kept", { what: names }) : words.t("screen.changed") } });
      } else {
        setOutcome(what);
      }
    },
  });
  return outcome ? (
    <Done outcome={outcome} />
  ) : (
    <ResourceForm
      resource={resource}
      operation={operation}
      form={form}
      submitText={words.t("screen.save")}
      onCancel={() => void navigate(back)}
      onReload={onReload}
    />
  );
}

export function ResourceEdit({ resource, id }: { resource: ResourceName; id: string }) {
  const words = useWords();
  const { t } = useTranslation();
  const one = useThing(resource, id);
  // The form keeps to what was there when it was opened, whatever comes in while somebody types; a reload begins anew.
  const [opened, setOpened] = useState<{ one: One; turn: number } | null>(null);
  if (one.data && !one.isFetching && !opened) {
    setOpened({ one: one.data, turn: 0 });
  }
  const operation = resourceOf(resource).update;
  const label = opened ? labelOf(opened.one.data) : id;
  const reload = () =>
    void one.refetch().then((answer) => answer.data && setOpened({ one: answer.data, turn: (opened?.turn ?? 0) + 1 }));
  return (
    <>
      <Title title={`${words.t("screen.edit")}: ${label}`} above={<Crumbs resource={resource} here={label} />} />
      <PageSection>
        <ErrorAlert error={one.error} />
        {!opened && !one.error && <Skeleton height="20rem" screenreaderText={t("app.loading")} />}
        {opened && operation && <Change key={opened.turn} resource={resource} operation={operation} one={opened.one} onReload={reload} />}
      </PageSection>
    </>
  );
}
