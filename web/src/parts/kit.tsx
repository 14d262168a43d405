// What the screens of the expert view are put together of: fields, facts, dialogs that do one thing, what waits for others.
import {
  Button,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Form,
  FormGroup,
  FormHelperText,
  FormSelect,
  FormSelectOption,
  HelperText,
  HelperTextItem,
  ModalBody,
  ModalFooter,
  ModalHeader,
  TextArea,
  TextInput,
} from "@patternfly/react-core";
import { type FormEvent, type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ApiError } from "../api/client";
import type { Outcome } from "../api/rest";
import { useSaid } from "../i18n/say";
import { ErrorAlert } from "./ErrorAlert";
import { Notice } from "./Notice";
import { Modal } from "./Modal";

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <DescriptionListGroup>
      <DescriptionListTerm>{name}</DescriptionListTerm>
      <DescriptionListDescription className="siegel-wrap">{children === "" || children === null || children === undefined ? "–" : children}</DescriptionListDescription>
    </DescriptionListGroup>
  );
}

export function Facts({ children }: { children: ReactNode }) {
  return <DescriptionList columnModifier={{ default: "1Col", lg: "2Col" }}>{children}</DescriptionList>;
}

/** What the API says is wrong with that attribute. */
export function wrongWith(error: unknown, name: string): string | undefined {
  if (!(error instanceof ApiError)) {
    return undefined;
  }
  return error.errors.find((e) => e.source?.pointer === `/data/attributes/${name}` || e.source?.pointer?.startsWith(`/data/attributes/${name}/`))?.detail;
}

interface FieldProps {
  label: string;
  help?: string;
  error?: string;
  required?: boolean;
}

/** What the server says, in the reader's language where it is known; as it came else. */
export function useTold(detail: string | undefined): string | undefined {
  const said = useSaid(detail ? { detail } : undefined);
  return said && !said.lang ? said.text : detail;
}

function Below({ id, help, error: detail }: { id: string; help?: string; error?: string }) {
  const error = useTold(detail);
  return help || error ? (
    <FormHelperText>
      <HelperText>
        <HelperTextItem id={`${id}-help`} variant={error ? "error" : "default"} screenReaderText="">
          {error || help}
        </HelperTextItem>
      </HelperText>
    </FormHelperText>
  ) : null;
}

export function TextField(props: FieldProps & { value: string; onChange: (value: string) => void; type?: "text" | "number" | "password"; min?: number }) {
  const id = useId();
  return (
    <FormGroup label={props.label} fieldId={id} isRequired={props.required}>
      <TextInput
        id={id}
        value={props.value}
        type={props.type ?? "text"}
        min={props.min}
        autoComplete={props.type === "password" ? "new-password" : "off"}
        onChange={(_, v) => props.onChange(v)}
        validated={props.error ? "error" : "default"}
        aria-describedby={props.help || props.error ? `${id}-help` : undefined}
      />
      <Below id={id} help={props.help} error={props.error} />
    </FormGroup>
  );
}

export function AreaField(props: FieldProps & { value: string; onChange: (value: string) => void; rows?: number; mono?: boolean }) {
  const id = useId();
  return (
    <FormGroup label={props.label} fieldId={id} isRequired={props.required}>
      <TextArea
        id={id}
        value={props.value}
        rows={props.rows ?? 4}
        resizeOrientation="vertical"
        spellCheck={false}
        className={props.mono ? "siegel-mono" : undefined}
        onChange={(_, v) => props.onChange(v)}
        validated={props.error ? "error" : "default"}
        aria-describedby={props.help || props.error ? `${id}-help` : undefined}
      />
      <Below id={id} help={props.help} error={props.error} />
    </FormGroup>
  );
}

export interface Choice {
  value: string;
  label: string;
}

export function SelectField(props: FieldProps & { value: string; onChange: (value: string) => void; choices: readonly Choice[] }) {
  const id = useId();
  return (
    <FormGroup label={props.label} fieldId={id} isRequired={props.required}>
      <FormSelect
        id={id}
        value={props.value}
        onChange={(_, v) => props.onChange(v)}
        validated={props.error ? "error" : "default"}
        aria-describedby={props.help || props.error ? `${id}-help` : undefined}
      >
        {props.choices.map((c) => (
          <FormSelectOption key={c.value} value={c.value} label={c.label} />
        ))}
      </FormSelect>
      <Below id={id} help={props.help} error={props.error} />
    </FormGroup>
  );
}

/** A dialog that asks and does one thing. */
export function Dialog(props: {
  title: string;
  action: string;
  danger?: boolean;
  busy: boolean;
  disabled?: boolean;
  error: unknown;
  labels?: Record<string, string>;
  onDo: () => void;
  onClose: () => void;
  children?: ReactNode;
  wide?: boolean;
}) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <Modal isOpen variant={props.wide ? "large" : "medium"} onClose={props.onClose} aria-labelledby={`${id}-title`}>
      <ModalHeader title={props.title} labelId={`${id}-title`} />
      <ModalBody tabIndex={0}>
        <Form
          id={`${id}-form`}
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            if (!props.busy && !props.disabled) {
              props.onDo();
            }
          }}
        >
          <ErrorAlert error={props.error} labels={props.labels} />
          {props.children}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form={`${id}-form`} variant={props.danger ? "danger" : "primary"} isLoading={props.busy} isDisabled={props.busy || props.disabled}>
          {props.action}
        </Button>
        <Button variant="link" onClick={props.onClose}>
          {t("common.cancel")}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

/** That it was done, waits for others, or is the work of a job. Without a text nothing is said of what is done. */
export function Done({ outcome, text }: { outcome: Outcome<unknown> | null | undefined; text?: string }) {
  const { t } = useTranslation();
  if (!outcome) {
    return null;
  }
  if (outcome.approval) {
    return (
      <Notice variant="info" isLiveRegion title={t("kit.waits")} actionLinks={<Link to={`/approvals/${outcome.approval}`}>{t("kit.toApproval")}</Link>}>
        {t("kit.waitsText", { id: outcome.approval })}
      </Notice>
    );
  }
  if (outcome.job) {
    return (
      <Notice variant="info" isLiveRegion title={t("kit.works")} actionLinks={<Link to={`/jobs/${outcome.job}`}>{t("kit.toJob")}</Link>}>
        {t("kit.worksText", { id: outcome.job })}
      </Notice>
    );
  }
  return text ? <Notice variant="success" isLiveRegion title={text} /> : null;
}
