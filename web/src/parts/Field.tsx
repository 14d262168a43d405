import { FormGroup, FormHelperText, HelperText, HelperTextItem } from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { ErrorObject } from "../api/client";
import { useSaid } from "../i18n/say";

/** The attribute that an error is about. */
function nameOf(error: string | ErrorObject | undefined): string {
  return (typeof error === "object" && /^\/data\/attributes\/([a-z0-9_]+)/.exec(error.source?.pointer ?? "")?.[1]) || "";
}

/** What is said at the field itself needn't begin with its attribute's name. */
export function inField(text: string, name: string): string {
  return name && (text.startsWith(`${name}: `) || (name.includes("_") && text.startsWith(`${name} `))) ? text.slice(name.length).replace(/^:? /, "") : text;
}

/** A field of a form with what helps, or what is wrong, below it; the latter under the id with "-help". For inputs of any kind: kit.tsx has the usual ones. */
export function Field(props: { id: string; label: string; help?: string; error?: string | ErrorObject; required?: boolean; children: ReactNode }) {
  const said = useSaid(typeof props.error === "string" ? { detail: props.error } : props.error);
  return (
    <FormGroup label={props.label} fieldId={props.id} isRequired={props.required}>
      {props.children}
      {(props.error || props.help) && (
        <FormHelperText>
          <HelperText>
            <HelperTextItem id={`${props.id}-help`} variant={props.error ? "error" : "default"} screenReaderText="">
              {props.error ? (
                <span lang={typeof props.error === "string" ? undefined : said?.lang}>
                  {said && inField(said.text, nameOf(props.error))}
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
