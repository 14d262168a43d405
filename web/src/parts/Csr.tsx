import { FileUpload, FormHelperText, HelperText, HelperTextItem } from "@patternfly/react-core";
import { useState } from "react";
import { type Request, requestOfFile, requestOfText } from "./request";

const MOST = 65536; // octets

interface Names {
  label: string;
  file: string;
  browse: string;
  clear: string;
  /** What is the matter with what was chosen or pasted. */
  unreadable: string;
  secret: string;
}

/** A signing request, from a file or pasted. names: in the words of the page. */
export function Csr(props: { id: string; value: string; onChange: (pem: string) => void; wrong?: boolean; names: Names }) {
  const { names } = props;
  const [file, setFile] = useState("");
  const [fault, setFault] = useState<Request["fault"]>(null);
  const put = (found: Request) => {
    setFault(found.fault);
    props.onChange(found.text);
  };
  const take = async (chosen: File) => {
    setFile(chosen.name);
    put(chosen.size <= MOST ? requestOfFile(new Uint8Array(await chosen.arrayBuffer())) : { text: "", fault: "unreadable" });
  };
  return (
    <>
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
        validated={props.wrong || fault ? "error" : "default"}
        onFileInputChange={(_, chosen) => void take(chosen)}
        onTextChange={(_, text) => put(requestOfText(text))}
        onClearClick={() => {
          setFile("");
          put({ text: "", fault: null });
        }}
      />
      {fault && (
        <FormHelperText role="alert">
          <HelperText>
            <HelperTextItem variant="error" screenReaderText="">
              {names[fault]}
            </HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </>
  );
}
