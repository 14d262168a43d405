// What programs alone ask for, such as a token: what it is, where, and a line to try it with.
import { Button, Card, CardBody, CardTitle, Content, DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm, PageSection, Stack, StackItem } from "@patternfly/react-core";
import { Link } from "react-router";
import { useRights } from "../api/session";
import { Code } from "../parts/Code";
import { Title } from "../parts/Title";
import { type Operation, permitted, resourceOf, type ResourceName } from "./model";
import { useWords } from "./words";

function lineOf(operation: Operation, url: string): string {
  const method = operation.method === "GET" ? "" : ` -X ${operation.method}`;
  const who = operation.right === "basic" ? " -u NAME" : operation.right === "public" ? "" : ' -H "Authorization: Bearer $SIEGEL_TOKEN"';
  return `curl --cacert root.pem${method}${who} '${url.replace("{id}", "ID")}'`;
}

export function ResourceProgram({ resource }: { resource: ResourceName }) {
  const words = useWords();
  const rights = useRights();
  const { create, one, list, remove } = resourceOf(resource);
  const own = words.resource(resource);
  const operations = [list, create, one, remove].filter((operation) => operation !== undefined);
  const url = (operation: Operation) => `${window.location.origin}/api/v2.0${operation.path}`;
  return (
    <>
      <Title title={own.title} subtitle={own.purpose} />
      <PageSection>
        <Stack hasGutter>
          <StackItem>
            <Content component="p">
              {words.t("screen.programs")}. {own.first}
            </Content>
            {resource === "tokens" && permitted(resourceOf("credentials").create, rights) && (
              <Button variant="secondary" component={(props: object) => <Link {...props} to="/r/credentials/new" />}>
                {words.resource("credentials").create}
              </Button>
            )}
          </StackItem>
          {operations.map((operation) => (
            <StackItem key={`${operation.method} ${operation.path}`}>
              <Card>
                <CardTitle component="h2">{`${operation.method} ${operation.path}`}</CardTitle>
                <CardBody>
                  <DescriptionList>
                    <DescriptionListGroup>
                      <DescriptionListTerm>{words.t("screen.address")}</DescriptionListTerm>
                      <DescriptionListDescription className="siegel-wrap">
                        {url(operation)}{" "}
                        {operation.right === "public" && operation.method === "GET" && (
                          <Button variant="link" isInline component="a" href={url(operation)} target="_blank" rel="noreferrer">
                            {words.t("screen.open")}
                          </Button>
                        )}
                      </DescriptionListDescription>
                    </DescriptionListGroup>
                    <DescriptionListGroup>
                      <DescriptionListTerm>{words.t("screen.line")}</DescriptionListTerm>
                      <DescriptionListDescription>
                        <Code label={words.t("screen.line")} text={lineOf(operation, url(operation))} file={`${resource}.txt`} type="text/plain" />
                      </DescriptionListDescription>
                    </DescriptionListGroup>
                  </DescriptionList>
                </CardBody>
              </Card>
            </StackItem>
          ))}
        </Stack>
      </PageSection>
    </>
  );
}
