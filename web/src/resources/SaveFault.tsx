// Why something wasn't saved.
import { Button } from "@patternfly/react-core";
import { ApiError } from "../api/client";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Notice } from "../parts/Notice";
import { useWords } from "./words";

/** onReload: what to do when somebody else was faster; labels as ErrorAlert has them. */
export function SaveFault({ error, labels, onReload }: { error: unknown; labels: Record<string, string>; onReload?: () => void }) {
  const words = useWords();
  if (error instanceof ApiError && error.status === 412 && onReload) {
    return (
      <Notice variant="warning" title={words.t("screen.faster")} className="siegel-error" role="alert" actionLinks={
        <Button variant="link" isInline onClick={onReload}>
          {words.t("screen.load")}
        </Button>
      } />
    );
  }
  return <ErrorAlert error={error} labels={labels} />;
}
