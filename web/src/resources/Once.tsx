// What is shown this once: to be copied, downloaded, and put away.
import { Button, Content, Stack, StackItem } from "@patternfly/react-core";
import { Code } from "../parts/Code";
import { Notice } from "../parts/Notice";
import { fileName } from "../format";
import type { ResourceName } from "./model";
import { useWords } from "./words";

const textOf = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

export function Once({ resource, shown, onKept }: { resource: ResourceName; shown: [string, unknown][]; onKept?: () => void }) {
  const words = useWords();
  return (
    <Stack hasGutter className="siegel-once">
      <StackItem>
        <Notice variant="warning" title={words.t("screen.once")} isLiveRegion>
          {words.t("screen.onceText")}
          {resource === "tenants" && ` ${words.t("screen.onceTenant")}`}
        </Notice>
      </StackItem>
      {shown.map(([name, value]) => (
        <StackItem key={name}>
          <Content component="h2" className="siegel-small">{words.attribute(resource, name)}</Content>
          <Code
            label={words.attribute(resource, name)}
            text={textOf(value)}
            file={fileName(`${resource}-${name}`, name.includes("pem") ? "pem" : "txt")}
            type="text/plain"
          />
        </StackItem>
      ))}
      {onKept && (
        <StackItem>
          <Button onClick={onKept}>{words.t("screen.onceDone")}</Button>
        </StackItem>
      )}
    </Stack>
  );
}
