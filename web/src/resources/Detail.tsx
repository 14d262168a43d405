// The page of any thing: its attributes in sections, what it belongs together with, its history, and what can be done with it.
import {
  Breadcrumb,
  BreadcrumbItem,
  Button,
  Card,
  CardBody,
  CardTitle,
  Content,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  List,
  ListItem,
  PageSection,
  ProgressStep,
  ProgressStepper,
  Skeleton,
  Stack,
  StackItem,
} from "@patternfly/react-core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useNavigate } from "react-router";
import { useRights } from "../api/session";
import { useActionWords, whoOf } from "../parts/audited";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Notice } from "../parts/Notice";
import { Pages } from "../parts/Pages";
import { Title } from "../parts/Title";
import { addressOfSaved } from "../screens/inventory";
import { Doing, useActions } from "./Act";
import { labelsOf, type One, useHistory, useThing } from "./api";
import {
  addressOf,
  addressOfReferring,
  isFixed,
  labelOf,
  type Operation,
  permitted,
  type Referrer,
  referrersOf,
  resourceOf,
  type ResourceName,
  type Section,
  sectionsOf,
  type Thing,
} from "./model";
import { Refresh } from "./Refresh";
import { Other, Value } from "./Value";
import { useWords } from "./words";

function SectionCard({ resource, section, one }: { resource: ResourceName; section: Section; one: One }) {
  const words = useWords();
  const { fields } = resourceOf(resource);
  const wide = (name: string) => ["json", "lines"].includes(fields[name]?.kind ?? "");
  const row = (name: string) => {
    const field = fields[name];
    return (
      <DescriptionListGroup key={name}>
        <DescriptionListTerm>{words.attribute(resource, name)}</DescriptionListTerm>
        <DescriptionListDescription className="siegel-wrap">
          {field ? <Value resource={resource} name={name} field={field} value={one.data.attributes?.[name]} /> : <Other thing={one.data} name={name} labels={labelsOf(one.included)} />}
        </DescriptionListDescription>
      </DescriptionListGroup>
    );
  };
  const narrow = section.names.filter((name) => !wide(name));
  const broad = section.names.filter(wide);
  return (
    <Card>
      <CardTitle component="h2">{words.t(`screen.${section.key}`)}</CardTitle>
      <CardBody>
        {narrow.length > 0 && <DescriptionList columnModifier={{ default: "1Col", lg: "2Col" }}>{narrow.map(row)}</DescriptionList>}
        {broad.length > 0 && <DescriptionList className="siegel-broad">{broad.map(row)}</DescriptionList>}
      </CardBody>
    </Card>
  );
}

/** Ways to what refers to it: an account's credentials, a batch's items. Two ways into one list say by what. */
function Referring({ resource, thing }: { resource: ResourceName; thing: Thing }) {
  const words = useWords();
  const rights = useRights();
  const ways = referrersOf(resource).filter((way) => permitted(resourceOf(way.resource).list, rights));
  if (ways.length === 0) {
    return null;
  }
  const label = (way: Referrer) => {
    const { title } = words.resource(way.resource);
    return ways.filter((other) => other.resource === way.resource).length > 1 ? `${title} (${words.attribute(way.resource, way.by)})` : title;
  };
  return (
    <StackItem>
      <Card>
        <CardTitle component="h2">{words.t("screen.referring")}</CardTitle>
        <CardBody>
          <List isPlain>
            {ways.map((way) => (
              <ListItem key={`${way.resource}.${way.by}`}>
                <Link to={addressOfReferring(way, resource, thing)}>{label(way)}</Link>
              </ListItem>
            ))}
          </List>
        </CardBody>
      </Card>
    </StackItem>
  );
}

function History({ resource, thing }: { resource: ResourceName; thing: Thing }) {
  const words = useWords();
  const { t } = useTranslation();
  const { said } = useActionWords();
  const { found: history, rows: events, turn } = useHistory(resource, thing);
  return (
    <Card>
      <CardTitle component="h2">{words.t("screen.history")}</CardTitle>
      <CardBody>
        <ErrorAlert error={history.error} />
        {history.isPending && <Skeleton screenreaderText={t("app.loading")} />}
        {history.data && events.length === 0 && <Content component="p">{words.t("screen.historyNone")}</Content>}
        {events.length > 0 && (
          <ProgressStepper isVertical aria-label={words.t("screen.history")}>
            {events.map((event) => (
              <ProgressStep
                key={event.id}
                id={`event-${event.id}`}
                titleId={`event-title-${event.id}`}
                variant="success"
                description={`${words.instant(String(event.attributes?.at ?? ""))} · ${words.t("screen.by", { actor: whoOf(String(event.attributes?.actor ?? "")) })}`}
              >
                <Link to={addressOf("audit_events", event.id)}>{said(String(event.attributes?.action ?? ""))}</Link>
              </ProgressStep>
            ))}
          </ProgressStepper>
        )}
        <Pages turn={turn} />
      </CardBody>
    </Card>
  );
}

/** The buttons of a page's head. */
function Buttons({ resource, one, onDone, refresh }: {
  resource: ResourceName;
  one: One;
  onDone: (said: string, removed: boolean) => void;
  refresh: ReactNode;
}) {
  const words = useWords();
  const rights = useRights();
  const actions = useActions(resource, one.data);
  const [doing, setDoing] = useState<[string, Operation] | null>(null);
  const title = (name: string) => (name === "remove" ? words.t("screen.remove") : words.action(resource, name).title);
  return (
    <div className="siegel-actions">
      {refresh}
      {resource === "saved_queries" && (
        <Button variant="secondary" component={(props: object) => <Link {...props} to={addressOfSaved((one.data.attributes?.query ?? {}) as Record<string, string>, (one.data.attributes?.columns ?? []) as string[])} />}>
          {words.t("screen.openSearch")}
        </Button>
      )}
      {!isFixed(one.data) && permitted(resourceOf(resource).update, rights) && (
        <Button component={(props: object) => <Link {...props} to={`/r/${resource}/${encodeURIComponent(one.data.id)}/edit`} />}>{words.t("screen.edit")}</Button>
      )}
      {actions.map(([name, operation]) => (
        <Button key={name} variant="secondary" isDanger={name === "remove"} onClick={() => setDoing([name, operation])}>
          {title(name)}
        </Button>
      ))}
      {doing && (
        <Doing
          resource={resource}
          name={doing[0]}
          operation={doing[1]}
          thing={one.data}
          onClose={() => setDoing(null)}
          onDone={(said) => onDone(said, doing[0] === "remove" && !stays(resource))}
        />
      )}
    </div>
  );
}

/** What is withdrawn stays in its list; what is deleted is gone. */
const stays = (resource: ResourceName) => ["acme_keys", "credentials", "enrollment_codes", "accounts"].includes(resource);

/** id: undefined for what there is one of. */
export function ResourceDetail({ resource, id }: { resource: ResourceName; id?: string }) {
  const words = useWords();
  const { t } = useTranslation();
  const rights = useRights();
  const navigate = useNavigate();
  const location = useLocation();
  const before = (location.state as { said?: string } | null)?.said;
  const [said, setSaid] = useState<string | undefined>(before);
  const one = useThing(resource, id);
  const own = words.resource(resource);
  const list = resourceOf(resource).list;
  const above = list && (
    <Breadcrumb aria-label={words.t("screen.list")}>
      <BreadcrumbItem render={({ className }) => <Link className={className} to={`/r/${resource}`}>{own.title}</Link>} />
      <BreadcrumbItem isActive>{one.data ? labelOf(one.data.data) : id}</BreadcrumbItem>
    </Breadcrumb>
  );
  const done = (what: string, removed: boolean) => {
    if (removed) {
      void navigate(`/r/${resource}`, { state: { said: what } });
    } else {
      setSaid(what);
    }
  };
  const audit = id !== undefined && resource !== "audit_events" && resource !== "audit_seals" && rights.includes("audit.read");
  return (
    <>
      <Title
        title={id === undefined ? own.title : one.data ? `${own.one}: ${labelOf(one.data.data)}` : own.one}
        subtitle={own.purpose}
        above={above}
        actions={one.data && <Buttons resource={resource} one={one.data} onDone={done} refresh={<Refresh busy={one.isFetching} onRefresh={() => void one.refetch()} />} />}
      />
      <PageSection>
        {said && <Notice variant="success" isLiveRegion title={said} />}
        <ErrorAlert error={one.error} />
        {one.isPending && <Skeleton height="20rem" screenreaderText={t("app.loading")} />}
        {one.data && (
          <Stack hasGutter>
            {sectionsOf(resource).map((section) => (
              <StackItem key={section.key}>
                <SectionCard resource={resource} section={section} one={one.data} />
              </StackItem>
            ))}
            <Referring resource={resource} thing={one.data.data} />
            {audit && (
              <StackItem>
                <History resource={resource} thing={one.data.data} />
              </StackItem>
            )}
          </Stack>
        )}
      </PageSection>
    </>
  );
}
