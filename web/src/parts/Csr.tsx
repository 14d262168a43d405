import { FileUpload } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

const MOST = 65536; // octets

interface Names {
  label: string;
  file: string;
  browse: string;
  clear: string;
}

/** A signing request, from a file or pasted. names: where the console's words aren't the reader's. */
export function Csr(props: { id: string; value: string; onChange: (pem: string) => void; wrong?: boolean; names?: Names }) {
  const { t } = useTranslation();
  const names = props.names ?? { label: t("issue.csr"), file: t("issue.csrFile"), browse: t("issue.csrBrowse"), clear: t("issue.csrClear") };
  const [file, setFile] = useState("");
  return (
    <FileUpload
      id={props.id}
      type="text"
      value={props.value}
      filename={file}
      filenamePlaceholder={names.file}
      filenameAriaLabel={names.file}
      browseButtonText={names.browse}
      clearButtonText={names.clear}
      aria-label={names.label}
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
