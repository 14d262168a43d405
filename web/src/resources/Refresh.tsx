import { Button } from "@patternfly/react-core";
import SyncAltIcon from "@patternfly/react-icons/dist/esm/icons/sync-alt-icon";
import { useWords } from "./words";

export function Refresh({ busy, onRefresh }: { busy: boolean; onRefresh: () => void }) {
  const { t } = useWords();
  const label = t("screen.refresh");
  return <Button variant="plain" icon={<SyncAltIcon />} aria-label={label} title={label} isAriaDisabled={busy} onClick={onRefresh} />;
}
