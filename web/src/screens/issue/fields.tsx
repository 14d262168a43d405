// The parts of the form that asks for a certificate.
import { FormGroup, FormSelect, FormSelectOption, Grid, GridItem, Radio, TextArea, TextInput } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import type { ErrorObject } from "../../api/client";
import type { Ca, Profile } from "../../api/queries";
import { useBuiltin } from "../../i18n/say";
import { keyTypeTitle, USUAL_KEY_TYPES } from "../../keytypes";
import { Csr } from "../../parts/Csr";
import { Field } from "../../parts/Field";
import { Metadata } from "../../parts/Metadata";
import { useTitles } from "../../parts/Titled";
import type { Wish } from "../Issue";

export interface FieldsProps {
  w: Wish;
  set: (change: Partial<Wish>) => void;
  /** What the API says is wrong with that attribute. */
  wrong: (name: string) => ErrorObject | undefined;
}

function stateOf(wrong: FieldsProps["wrong"]) {
  return (name: string) => (wrong(name) ? "error" : "default");
}

/** The console's words around a signing request. */
export function useCsrNames() {
  const { t } = useTranslation();
  const { t: words } = useTranslation("inventory");
  return {
    label: t("issue.csr"), file: t("issue.csrFile"), browse: t("issue.csrBrowse"), clear: t("issue.csrClear"), unreadable: words("issue.csrUnreadable"), secret: words("issue.csrSecret"),
  };
}

/** What an error calls the fields. */
export function useLabels(): Record<string, string> {
  const { t } = useTranslation();
  const { t: words } = useTranslation("inventory");
  return {
    csr: t("issue.csr"), cn: t("issue.cn"), dns: t("issue.dns"), cert_days: t("issue.days"), owner: t("issue.owner"), profile: t("issue.profile"),
    ca: t("issue.ca"), o: t("issue.o"), ou: t("issue.ou"), c: t("issue.c"), key_type: t("issue.keyType"), pkcs12_password: t("issue.p12Password"),
    ip: words("issue.ip"), email: words("issue.email"), uri: words("issue.uri"), st: words("issue.st"), l: words("issue.l"),
    serial_number: words("issue.serialNumber"), metadata: words("issue.metadata"),
  };
}

/** Its name for people. */
function titleOf(p: Profile, say: (text: string | undefined) => string): string {
  return say(p.attributes?.title) || p.attributes?.name || p.id;
}

/** Whose key it is. */
export function KeyFields({ w, set, wrong }: FieldsProps) {
  const { t } = useTranslation();
  const names = useCsrNames();
  return (
    <>
      <FormGroup role="radiogroup" label={t("issue.key")} fieldId="key">
        <Radio
          id="key-own" name="key" label={t("issue.keyOwn")} description={t("issue.keyOwnText")} isChecked={w.own} onChange={() => set({ own: true })}
        />
        <Radio
          id="key-here" name="key" label={t("issue.keyHere")} description={t("issue.keyHereText")} isChecked={!w.own} onChange={() => set({ own: false })}
        />
      </FormGroup>
      {w.own && (
        <Field id="csr" label={t("issue.csr")} help={t("issue.csrHelp")} error={wrong("csr")} required>
          <Csr id="csr" names={names} value={w.csr} onChange={(csr) => set({ csr })} wrong={wrong("csr") !== undefined} />
        </Field>
      )}
    </>
  );
}

/** What is asked by, and for whom. */
export function Basics({ w, set, wrong, choice, chosen }: FieldsProps & { choice: Profile[]; chosen: string }) {
  const { t } = useTranslation();
  const say = useBuiltin();
  const state = stateOf(wrong);
  return (
    <Grid hasGutter md={6}>
      <GridItem>
        <Field id="profile" label={t("issue.profile")} error={wrong("profile")}>
          <FormSelect id="profile" value={chosen} onChange={(_, v) => set({ profile: v })} validated={state("profile")}>
            {choice.map((p) => (
              <FormSelectOption key={p.id} value={p.attributes?.name ?? ""} label={titleOf(p, say)} />
            ))}
          </FormSelect>
        </Field>
      </GridItem>
      <GridItem>
        <Field id="cn" label={t("issue.cn")} help={t("issue.cnHelp")} error={wrong("cn")} required={!w.own}>
          <TextInput id="cn" value={w.cn} onChange={(_, v) => set({ cn: v })} validated={state("cn")} aria-describedby="cn-help" />
        </Field>
      </GridItem>
    </Grid>
  );
}

/** How a key that is made here is handed out. */
export function FormatFields({ w, set, wrong }: FieldsProps) {
  const { t } = useTranslation();
  const { t: words } = useTranslation("inventory");
  const state = stateOf(wrong);
  return (
    <>
      <FormGroup role="radiogroup" label={t("issue.format")} fieldId="format">
        <Radio id="format-pem" name="format" label={t("issue.pem")} isChecked={!w.p12} onChange={() => set({ p12: false })} />
        <Radio id="format-p12" name="format" label={t("issue.p12")} isChecked={w.p12} onChange={() => set({ p12: true })} />
      </FormGroup>
      {w.p12 && (
        <Field id="p12" label={t("issue.p12Password")} help={words("issue.p12Help")} error={wrong("pkcs12_password")} required>
          <TextInput
            id="p12" type="password" autoComplete="new-password" value={w.password} onChange={(_, v) => set({ password: v })}
            validated={state("pkcs12_password")}
          />
        </Field>
      )}
    </>
  );
}

/** Further names that it holds for. */
function NameFields({ w, set, wrong }: FieldsProps) {
  const { t } = useTranslation();
  const state = stateOf(wrong);
  const { t: words } = useTranslation("inventory");
  return (
    <>
      <GridItem>
        <Field id="dns" label={t("issue.dns")} help={t("issue.dnsHelp")} error={wrong("dns")}>
          <TextArea id="dns" validated={state("dns")} value={w.dns} onChange={(_, v) => set({ dns: v })} rows={3} resizeOrientation="vertical" />
        </Field>
      </GridItem>
      <GridItem>
        <Field id="ip" label={words("issue.ip")} help={words("issue.ipHelp")} error={wrong("ip")}>
          <TextArea id="ip" validated={state("ip")} value={w.ip} onChange={(_, v) => set({ ip: v })} rows={3} resizeOrientation="vertical" />
        </Field>
      </GridItem>
      <GridItem>
        <Field id="email" label={words("issue.email")} help={t("issue.dnsHelp")} error={wrong("email")}>
          <TextArea id="email" validated={state("email")} value={w.email} onChange={(_, v) => set({ email: v })} rows={3} resizeOrientation="vertical" />
        </Field>
      </GridItem>
      <GridItem>
        <Field id="uri" label={words("issue.uri")} help={words("issue.uriHelp")} error={wrong("uri")}>
          <TextArea id="uri" validated={state("uri")} value={w.uri} onChange={(_, v) => set({ uri: v })} rows={3} resizeOrientation="vertical" />
        </Field>
      </GridItem>
    </>
  );
}

/** What else its subject says. */
function SubjectFields({ w, set, wrong }: FieldsProps) {
  const { t } = useTranslation();
  const { t: words } = useTranslation("inventory");
  const state = stateOf(wrong);
  return (
    <>
      <GridItem>
        <Field id="o" label={t("issue.o")} error={wrong("o")}>
          <TextInput id="o" value={w.o} onChange={(_, v) => set({ o: v })} validated={state("o")} />
        </Field>
      </GridItem>
      <GridItem>
        <Field id="ou" label={t("issue.ou")} error={wrong("ou")}>
          <TextInput id="ou" value={w.ou} onChange={(_, v) => set({ ou: v })} validated={state("ou")} />
        </Field>
      </GridItem>
      <GridItem>
        <Field id="c" label={t("issue.c")} error={wrong("c")}>
          <TextInput id="c" value={w.c} maxLength={2} onChange={(_, v) => set({ c: v.toUpperCase() })} validated={state("c")} />
        </Field>
      </GridItem>
      {(["st", "l", "serialNumber"] as const).map((name) => (
        <GridItem key={name}>
          <Field id={name} label={words(`issue.${name}`)} error={wrong(name === "serialNumber" ? "serial_number" : name)}>
            <TextInput id={name} value={w[name]} onChange={(_, v) => set({ [name]: v })} />
          </Field>
        </GridItem>
      ))}
    </>
  );
}

/** What is seldom wanted. */
export function More({ w, set, wrong, issuing }: FieldsProps & { issuing: Ca[] }) {
  const titles = useTitles();
  const { t } = useTranslation();
  const { t: words } = useTranslation("inventory");
  const state = stateOf(wrong);
  return (
    <Grid hasGutter md={6}>
      <NameFields w={w} set={set} wrong={wrong} />
      <GridItem>
        <Field id="days" label={t("issue.days")} help={t("issue.daysHelp")} error={wrong("cert_days")}>
          <TextInput id="days" type="number" min={1} value={w.days} onChange={(_, v) => set({ days: v })} validated={state("cert_days")} />
        </Field>
      </GridItem>
      <GridItem>
        <Field id="ca" label={t("issue.ca")} error={wrong("ca")}>
          <FormSelect id="ca" value={w.ca} onChange={(_, v) => set({ ca: v })} validated={state("ca")}>
            <FormSelectOption value="" label={t("issue.caDefault")} />
            {issuing.map((ca) => (
              <FormSelectOption key={ca.id} value={ca.attributes?.name ?? ""} label={titles.ca(ca.attributes?.name ?? ca.id)} />
            ))}
          </FormSelect>
        </Field>
      </GridItem>
      <GridItem>
        <Field id="owner" label={t("issue.owner")} help={t("issue.ownerHelp")} error={wrong("owner")}>
          <TextInput id="owner" value={w.owner} onChange={(_, v) => set({ owner: v })} validated={state("owner")} />
        </Field>
      </GridItem>
      <SubjectFields w={w} set={set} wrong={wrong} />
      {!w.own && (
        <GridItem>
          <Field id="key-type" label={t("issue.keyType")} error={wrong("key_type")}>
            <FormSelect id="key-type" value={w.keyType} onChange={(_, v) => set({ keyType: v })} validated={state("key_type")}>
              <FormSelectOption value="" label={t("issue.keyTypeDefault")} />
              {USUAL_KEY_TYPES.map((k) => (
                <FormSelectOption key={k} value={k} label={keyTypeTitle(k)} />
              ))}
            </FormSelect>
          </Field>
        </GridItem>
      )}
      <GridItem span={12}>
        <FormGroup label={words("issue.metadata")} role="group" fieldId="metadata">
          <Metadata id="metadata" pairs={w.metadata} onChange={(metadata) => set({ metadata })} />
        </FormGroup>
      </GridItem>
    </Grid>
  );
}
