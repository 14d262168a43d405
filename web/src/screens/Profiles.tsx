// Profiles and policies: what there is, and where each is tried and changed.
import { Button, Card, CardBody, CardTitle, Content, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, Label, PageSection, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { useAll } from "../api/hooks";
import { type Item, related, text } from "../api/rest";
import { useMay } from "../api/session";
import { useBuiltin } from "../i18n/say";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Done } from "../parts/kit";
import { Title } from "../parts/Title";

const isInternal = (p: Item) => (p.attributes.definition as { internal?: boolean } | undefined)?.internal === true;
const isDisabled = (p: Item) => (p.attributes.definition as { disabled?: boolean } | undefined)?.disabled === true;

function ProfileTable({ profiles }: { profiles: Item[] }) {
  const { t } = useTranslation("rules");
  const say = useBuiltin();
  return (
    <Table aria-label={t("profilesTitle")} variant="compact" gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th>{t("title")}</Th>
          <Th>{t("name")}</Th>
          <Th>{t("kind")}</Th>
          <Th>{t("state")}</Th>
        </Tr>
      </Thead>
      <Tbody>
        {profiles.map((p) => (
          <Tr key={p.id}>
            <Td dataLabel={t("title")} modifier="breakWord">
              <Link to={`/profiles/${p.id}`}>{say(text(p, "title")) || text(p, "name")}</Link>
            </Td>
            <Td dataLabel={t("name")}>{text(p, "name")}</Td>
            <Td dataLabel={t("kind")}>{t(`kinds.${text(p, "kind") as "certificate"}`, { defaultValue: text(p, "kind") })}</Td>
            <Td dataLabel={t("state")}>
              <Label status={isInternal(p) ? "custom" : isDisabled(p) ? "warning" : "success"}>{t(isInternal(p) ? "internal" : isDisabled(p) ? "off" : "on")}</Label>
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

function PolicyTable({ policies, names }: { policies: Item[]; names: Map<string, string> }) {
  const { t } = useTranslation("rules");
  return (
    <Table aria-label={t("policiesTitle")} variant="compact" gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th>{t("title")}</Th>
          <Th>{t("name")}</Th>
          <Th>{t("boundTo")}</Th>
          <Th>{t("rules")}</Th>
          <Th>{t("state")}</Th>
        </Tr>
      </Thead>
      <Tbody>
        {policies.map((p) => (
          <Tr key={p.id}>
            <Td dataLabel={t("title")} modifier="breakWord">
              <Link to={`/policies/${p.id}`}>{text(p, "title") || text(p, "name")}</Link>
            </Td>
            <Td dataLabel={t("name")}>{text(p, "name")}</Td>
            <Td dataLabel={t("boundTo")}>
              {[names.get(`cas/${related(p, "ca") ?? ""}`), names.get(`profiles/${related(p, "profile") ?? ""}`)].filter(Boolean).join(", ") || t("all")}
            </Td>
            <Td dataLabel={t("rules")}>{Array.isArray(p.attributes.rules) ? p.attributes.rules.length : 0}</Td>
            <Td dataLabel={t("state")}>
              <Label status={p.attributes.enabled === true ? "success" : "warning"}>{t(p.attributes.enabled === true ? "on" : "off")}</Label>
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

export default function Profiles() {
  const { t } = useTranslation("rules");
  const may = useMay();
  const [address] = useSearchParams();
  const profiles = useAll("/profiles");
  const policies = useAll("/policies");
  const cas = useAll("/cas");
  const names = new Map([...(profiles.data ?? []), ...(cas.data ?? [])].map((one) => [`${one.type}/${one.id}`, text(one, "name")]));
  const newPolicy = may("policies.manage") && (
    <Button variant="secondary" component={(props: object) => <Link {...props} to="/policies/new" />}>
      {t("newPolicy")}
    </Button>
  );
  return (
    <>
      <Title
        title={t("pageTitle")}
        subtitle={t("subtitle")}
        actions={
          <div className="siegel-actions">
            {may("profiles.manage") && <Button component={(props: object) => <Link {...props} to="/profiles/new" />}>{t("fromTemplate")}</Button>}
            {newPolicy}
          </div>
        }
      />
      <PageSection>
        <ErrorAlert error={profiles.error ?? policies.error} />
        {address.get("deleted") && <Done outcome={{ item: null, approval: null, job: null }} text={t("deleted")} />}
        <Stack hasGutter>
          <StackItem>
            <Card>
              <CardTitle component="h2">{t("profilesTitle")}</CardTitle>
              <CardBody>
                <Content component="p">{t("profilesText")}</Content>
                {profiles.isPending && <Skeleton height="12rem" screenreaderText={t("loading")} />}
                {profiles.data && <ProfileTable profiles={profiles.data} />}
              </CardBody>
            </Card>
          </StackItem>
          <StackItem>
            <Card>
              <CardTitle component="h2">{t("policiesTitle")}</CardTitle>
              <CardBody>
                <Content component="p">{t("policiesText")}</Content>
                {policies.data && policies.data.length > 0 && <PolicyTable policies={policies.data} names={names} />}
                {policies.data?.length === 0 && (
                  <EmptyState titleText={t("noPolicies")} headingLevel="h3">
                    <EmptyStateBody>{t("noPoliciesText")}</EmptyStateBody>
                    {newPolicy && (
                      <EmptyStateFooter>
                        <EmptyStateActions>{newPolicy}</EmptyStateActions>
                      </EmptyStateFooter>
                    )}
                  </EmptyState>
                )}
              </CardBody>
            </Card>
          </StackItem>
        </Stack>
      </PageSection>
    </>
  );
}
