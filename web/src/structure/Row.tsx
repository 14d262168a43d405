// What stands around each field of a structured value: its name with the standard's term, what it is for, and what is wrong with it.
import { FormGroup, FormHelperText, HelperText, HelperTextItem } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { useFault } from "./words";

export interface RowProps {
  id: string;
  label: string;
  help?: string;
  fault?: string;
  required?: boolean;
}

export function Below({ id, help, fault }: Pick<RowProps, "id" | "help" | "fault">) {
  const told = useFault(fault);
  return told || help ? (
    <FormHelperText>
      <HelperText id={`${id}-help`} isLiveRegion={Boolean(told)}>
        {told && <HelperTextItem variant="error" screenReaderText="">{told}</HelperTextItem>}
        {help && <HelperTextItem>{help}</HelperTextItem>}
      </HelperText>
    </FormHelperText>
  ) : null;
}

/** group: of several fields, which have labels of their own. */
export function Row({ id, label, help, fault, required, group, children }: RowProps & { group?: boolean; children: ReactNode }) {
  return (
    <FormGroup label={label} fieldId={group ? undefined : id} role={group ? "group" : undefined} isRequired={required} isStack={group}>
      {children}
      <Below id={id} help={help} fault={fault} />
    </FormGroup>
  );
}

export const describedBy = (id: string, ...texts: (string | undefined)[]) => (texts.some(Boolean) ? `${id}-help` : undefined);

/** A word, and the term of the standard beside it where that is another. */
export function Worded({ word, term }: { word: string; term: string }) {
  return word === term ? (
    <>{word}</>
  ) : (
    <>
      {word} <code className="siegel-term">{term}</code>
    </>
  );
}
