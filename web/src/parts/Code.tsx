import { Button, CodeBlock, CodeBlockAction, CodeBlockCode } from "@patternfly/react-core";
import CheckIcon from "@patternfly/react-icons/dist/esm/icons/check-icon";
import CopyIcon from "@patternfly/react-icons/dist/esm/icons/copy-icon";
import DownloadIcon from "@patternfly/react-icons/dist/esm/icons/download-icon";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { download } from "./download";

/** Text to take away: shown, copied, downloaded. */
export function Code({ label, text, file, type = "application/x-pem-file" }: { label: string; text: string; file: string; type?: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  const id = useId();
  const copy = t(copied ? "common.copied" : "common.copy");
  const actions = (
    <>
      <CodeBlockAction>
        <Button
          variant="secondary"
          size="sm"
          icon={copied ? <CheckIcon /> : <CopyIcon />}
          aria-label={`${copy}: ${label}`}
          onBlur={() => setCopied(false)}
          onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
        >
          {copy}
        </Button>
        <span className="pf-v6-screen-reader" role="status">
          {copied && copy}
        </span>
      </CodeBlockAction>
      <CodeBlockAction>
        <Button variant="secondary" size="sm" icon={<DownloadIcon />} aria-label={`${t("common.download")}: ${label}`} onClick={() => download(file, text, type)}>
          {t("common.download")}
        </Button>
      </CodeBlockAction>
    </>
  );
  return (
    <CodeBlock actions={actions} role="group" aria-label={label} className="siegel-code">
      <CodeBlockCode id={`${id}-text`} tabIndex={0}>
        {text}
      </CodeBlockCode>
    </CodeBlock>
  );
}
