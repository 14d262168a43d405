import { FormGroup, FormHelperText, HelperText, HelperTextItem } from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { ErrorObject } from "../api/client";
import { useSaid } from "../i18n/say";

/** A field of a form with what helps, or what is wrong, below it; the latter under the id with "-help". For inputs of any kind: kit.tsx has the usual ones. */
export function Field(props: { id: string; label: string; help?: string; error?: string | ErrorObject; required?: boolean; children: ReactNode }) {
  const said = useSaid(typeof props.error === "string" ? { detail: props.error } : props.error);
  return (
    <FormGroup label={props.label} fieldId={props.id} isRequired={props.required}>
      {props.children}
      {(props.error || props.help) && (
        <FormHelperText>
          <HelperText>
            <HelperTextItem id={`${props.id}-help`} variant={props.error ? "error" : "default"}>
              {props.error ? (
                <span lang={typeof props.error === "string" ? undefined : said?.lang}>
                  {said?.text}
                  {said?.reason && <small className="siegel-reason"> {said.reason}</small>}
                </span>
              ) : (
                props.help
              )}
            </HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}
