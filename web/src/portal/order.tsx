// The part of a request that one and many have in common: what for, and as which files.
import { FormGroup, FormSelect, FormSelectOption, Radio, TextInput } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { Field } from "../parts/Field";
import type { Offer, Thing } from "./queries";

export const PASSWORD_MIN = 8;

export interface Order {
  profile: string;
  p12: boolean;
  password: string;
}

export function passwordFault(o: Order): boolean {
  return o.p12 && o.password.length < PASSWORD_MIN;
}

/** One kind alone needs no choice. */
export function Kind({ offers, value, onChange }: { offers: Thing<Offer>[]; value: string; onChange: (v: string) => void }) {
  const { t } = useTranslation("portal");
  if (offers.length < 2) {
    return null;
  }
  return (
    <Field id="kind" label={t("one.kind")}>
      <FormSelect id="kind" value={value} onChange={(_, v) => onChange(v)}>
        {offers.map((o) => (
          <FormSelectOption key={o.id} value={o.attributes.name} label={o.attributes.title || o.attributes.name} />
        ))}
      </FormSelect>
    </Field>
  );
}

export function Files({ order, onChange, tried }: { order: Order; onChange: (change: Partial<Order>) => void; tried: boolean }) {
  const { t } = useTranslation("portal");
  const missing = PASSWORD_MIN - order.password.length;
  const fault = tried && passwordFault(order) ? t("one.passwordShort", { n: missing }) : undefined;
  return (
    <>
      <FormGroup role="radiogroup" label={t("one.format")} fieldId="format" className="siegel-choice">
        <Radio id="format-p12" name="format" label={t("one.p12")} description={t("one.p12Help")} isChecked={order.p12} onChange={() => onChange({ p12: true })} />
        <Radio id="format-pem" name="format" label={t("one.pem")} description={t("one.pemHelp")} isChecked={!order.p12} onChange={() => onChange({ p12: false })} />
      </FormGroup>
      {order.p12 && (
        <Field id="password" label={t("one.password")} help={t("one.passwordHelp")} error={fault} required>
          <TextInput
            id="password"
            type="password"
            autoComplete="new-password"
            aria-describedby="password-help"
            value={order.password}
            onChange={(_, v) => onChange({ password: v })}
            validated={fault ? "error" : "default"}
          />
        </Field>
      )}
    </>
  );
}
