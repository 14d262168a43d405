// The generated form: all fields of an operation, with what is wrong at each of them.
import { ActionGroup, Button, Content, Form, FormGroup, FormHelperText, HelperText, HelperTextItem } from "@patternfly/react-core";
import { type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import { FieldInput } from "./FieldInput";
import { SaveFault } from "./SaveFault";
import { orderOf, type Values } from "./typed";
import type { Operation, ResourceName } from "./model";
import type { useForm } from "./useForm";
import { useWords } from "./words";

interface Props {
  resource: ResourceName;
  operation: Operation;
  form: ReturnType<typeof useForm>;
  /** The button's word; in a dialog the button stands elsewhere. */
  submitText?: string;
  id?: string;
  onCancel?: () => void;
  /** What to do when somebody else was faster. */
  onReload?: () => void;
}

/** The message of the whole: when it is said at a field, only where that is. */
function Fault({ form, resource, onReload }: Pick<Props, "form" | "resource" | "onReload">): ReactNode {
  const words = useWords();
  const labels = Object.fromEntries(Object.keys(form.fields).map((name) => [name, words.attribute(resource, name)]));
  return <SaveFault error={form.sending.error} labels={labels} onReload={onReload} />;
}

export function ResourceForm({ resource, operation, form, submitText, id, onCancel, onReload }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const own = useId();
  const idBase = id ?? own;
  const names = orderOf(form.fields);
  const values: Values = form.values;
  return (
    <Form
      id={idBase}
      noValidate
      isWidthLimited={Boolean(submitText)}
      onSubmit={(event) => {
        event.preventDefault();
        form.submit();
      }}
    >
      <Fault form={form} resource={resource} onReload={onReload} />
      {names.length > 0 && operation.method === "POST" && names.some((name) => !form.fields[name]?.required) && (
        <Content component="small">{words.t("screen.optional")}</Content>
      )}
      {operation.raw && (
        <FormGroup label={words.t("screen.file")} fieldId={`${idBase}-file`} isRequired>
          <input
            id={`${idBase}-file`}
            type="file"
            onChange={(event) => {
              const file = event.target.files?.[0] ?? null;
              form.setFile(file);
              if (file && "name" in form.fields) {
                form.change("name", file.name);
              }
            }}
          />
          {form.wrong.file && (
            <FormHelperText>
              <HelperText isLiveRegion>
                <HelperTextItem variant="error" screenReaderText="">{form.wrong.file}</HelperTextItem>
              </HelperText>
            </FormHelperText>
          )}
        </FormGroup>
      )}
      {names.map((name) => {
        const field = form.fields[name];
        return (
          field && (
            <FieldInput
              key={name}
              resource={resource}
              name={name}
              field={field}
              value={values[name] ?? null}
              onChange={(value) => form.change(name, value)}
              wrong={form.wrong[name]}
              idBase={idBase}
            />
          )
        );
      })}
      {submitText && (
        <ActionGroup>
          <Button type="submit" isLoading={form.sending.isPending} isDisabled={form.sending.isPending || form.unchanged} spinnerAriaLabel={t("app.loading")}>
            {submitText}
          </Button>
          {onCancel && (
            <Button variant="link" onClick={onCancel}>
              {t("common.cancel")}
            </Button>
          )}
        </ActionGroup>
      )}
    </Form>
  );
}
