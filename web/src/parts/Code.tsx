import { Button, ClipboardCopyButton, CodeBlock, CodeBlockAction, CodeBlockCode } from "@patternfly/react-core";
import DownloadIcon from "@patternfly/react-icons/dist/esm/icons/download-icon";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { download } from "./download";

/** Text to take away: shown, copied, downloaded. */
export function Code({ label, text, file, type = "application/x-pem-file" }: { label: string; text: string; file: string; type?: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  const id = useId();
  const actions = (
    <>
      <CodeBlockAction>
        <ClipboardCopyButton
          id={`${id}-copy`}
          textId={`${id}-text`}
          aria-label={`${t("common.copy")}: ${label}`}
          variant="plain"
          onTooltipHidden={() => setCopied(false)}
          onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
        >
          {t(copied ? "common.copied" : "common.copy")}
        </ClipboardCopyButton>
      </CodeBlockAction>
      <CodeBlockAction>
        <Button
          variant="plain"
          icon={<DownloadIcon />}
          aria-label={`${t("common.download")}: ${label}`}
          title={t("common.download")}
          onClick={() => download(file, text, type)}
        />
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
