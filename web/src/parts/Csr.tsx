import { FileUpload } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

const MOST = 65536; // octets

/** A signing request, from a file or pasted. label: when the console's word isn't the reader's; it stands for the file, too. */
export function Csr(props: { id: string; value: string; onChange: (pem: string) => void; wrong?: boolean; label?: string }) {
  const { t } = useTranslation();
  const [file, setFile] = useState("");
  return (
    <FileUpload
      id={props.id}
      type="text"
      value={props.value}
      filename={file}
      filenamePlaceholder={props.label ?? t("issue.csrFile")}
      filenameAriaLabel={props.label ?? t("issue.csrFile")}
      browseButtonText={t("issue.csrBrowse")}
      clearButtonText={t("issue.csrClear")}
      aria-label={props.label ?? t("issue.csr")}
      allowEditingUploadedText
      validated={props.wrong ? "error" : "default"}
      onFileInputChange={(_, chosen) => setFile(chosen.name)}
      onDataChange={(_, text) => props.onChange(text)}
      onTextChange={(_, text) => props.onChange(text)}
      onClearClick={() => {
        setFile("");
        props.onChange("");
      }}
      dropzoneProps={{ maxSize: MOST }}
    />
  );
}
