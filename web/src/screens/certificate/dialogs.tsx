// What is done with one certificate, in dialogs: renewed, looked after by somebody else.
import { Button, Form, FormGroup, ModalBody, ModalFooter, ModalHeader, Radio, TextInput } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/client";
import { useChange } from "../../api/hooks";
import type { Certificate } from "../../api/queries";
import { act, change } from "../../api/rest";
import { Csr } from "../../parts/Csr";
import { ErrorAlert } from "../../parts/ErrorAlert";
import { Field } from "../../parts/Field";
import { Metadata, metadataOf, type Pair, pairsOf } from "../../parts/Metadata";
import { Notice } from "../../parts/Notice";
import { Result } from "../Issue";
import { useCsrNames } from "../issue/fields";
import { Modal } from "../../parts/Modal";

export type How = "same" | "csr" | "here";

/** The address and the attributes of a request for a successor; what was left empty isn't in it. */
export function successorOf(how: How, f: { csr: string; days: string; p12: boolean; password: string }): { action: "renew" | "rekey"; attributes: Record<string, unknown> } {
  return {
    action: how === "same" ? "renew" : "rekey",
    attributes: {
      ...(f.days.trim() ? { cert_days: Number(f.days) } : {}),
      ...(how === "csr" ? { csr: `${f.csr.trim()}\n` } : {}),
      ...(how === "here" && f.p12 ? { pkcs12_password: f.password } : {}),
    },
  };
}

export function Renew({ certificate, name, onClose }: { certificate: Certificate; name: string; onClose: () => void }) {
  const { t } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const names = useCsrNames();
  const [how, setHow] = useState<How>("same");
  const [f, setForm] = useState({ csr: "", days: "", p12: false, password: "" });
  const [key, setKey] = useState(() => crypto.randomUUID());
  const set = (change: Partial<typeof f>) => {
    setForm({ ...f, ...change });
    setKey(crypto.randomUUID()); // another wish is another certificate
  };
  const renew = useChange(() => {
    const { action, attributes } = successorOf(how, f);
    return act<Certificate>(`/certificates/${certificate.id}/${action}`, action, attributes, key);
  });
  const wrong = (field: string) => (renew.error instanceof ApiError && renew.error.about(field) ? renew.error.first : undefined);
  const approval = renew.data?.approval ?? null;
  const made = approval === null ? renew.data?.item : undefined;
  const labels = { csr: base("issue.csr"), cert_days: base("issue.days"), pkcs12_password: base("issue.p12Password") };
  const ready = how === "same" || (how === "csr" ? f.csr.trim() !== "" : !f.p12 || f.password !== "");
  return (
    // Nobody loses the key by a key pressed too early: what is shown once is closed by its button alone.
    <Modal isOpen variant="medium" onClose={made ? undefined : onClose} aria-labelledby="renew-title" aria-describedby="renew-text">
      <ModalHeader title={t("certificate.renewTitle", { name })} labelId="renew-title" description={t("certificate.renewText")} descriptorId="renew-text" />
      <ModalBody>
        <ErrorAlert error={renew.error} labels={labels} />
        {approval !== null && (
          <Notice variant="info" title={base("issue.waits")}>
            {base("issue.waitsText", { id: approval })}
          </Notice>
        )}
        {made ? (
          <Result certificate={made} />
        ) : (
          <Form>
            <FormGroup role="radiogroup" label={base("issue.key")} fieldId="how">
              <Radio
                id="how-same" name="how" label={t("certificate.sameKey")} description={t("certificate.sameKeyText")} isChecked={how === "same"}
                onChange={() => setHow("same")}
              />
              <Radio
                id="how-csr" name="how" label={t("certificate.newCsr")} description={t("certificate.newCsrText")} isChecked={how === "csr"}
                onChange={() => setHow("csr")}
              />
              <Radio
                id="how-here" name="how" label={t("certificate.newHere")} description={t("certificate.newHereText")} isChecked={how === "here"}
                onChange={() => setHow("here")}
              />
            </FormGroup>
            {how === "csr" && (
              <Field id="renew-csr" label={base("issue.csr")} help={base("issue.csrHelp")} error={wrong("csr")} required>
                <Csr id="renew-csr" names={names} value={f.csr} onChange={(csr) => set({ csr })} wrong={wrong("csr") !== undefined} />
              </Field>
            )}
            {how === "here" && (
              <FormGroup role="radiogroup" label={base("issue.format")} fieldId="renew-format">
                <Radio id="renew-pem" name="renew-format" label={base("issue.pem")} isChecked={!f.p12} onChange={() => set({ p12: false })} />
                <Radio id="renew-p12" name="renew-format" label={base("issue.p12")} isChecked={f.p12} onChange={() => set({ p12: true })} />
              </FormGroup>
            )}
            {how === "here" && f.p12 && (
              <Field id="renew-password" label={base("issue.p12Password")} help={t("issue.p12Help")} error={wrong("pkcs12_password")} required>
                <TextInput id="renew-password" type="password" autoComplete="new-password" value={f.password} onChange={(_, password) => set({ password })} />
              </Field>
            )}
            <Field id="renew-days" label={base("issue.days")} help={base("issue.daysHelp")} error={wrong("cert_days")}>
              <TextInput id="renew-days" type="number" min={1} value={f.days} onChange={(_, days) => set({ days })} />
            </Field>
          </Form>
        )}
      </ModalBody>
      <ModalFooter>
        {!made && (
          <Button isDisabled={!ready || renew.isPending} isLoading={renew.isPending} onClick={() => renew.mutate()}>
            {renew.data ? base("issue.again") : t("certificate.submit")}
          </Button>
        )}
        <Button variant="link" onClick={onClose}>
          {base(made ? "common.close" : "common.cancel")}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

export function Edit({ certificate, onDone, onClose }: { certificate: Certificate; onDone: (approval: string | null) => void; onClose: () => void }) {
  const { t } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const a = certificate.attributes ?? {};
  const [owner, setOwner] = useState(a.owner ?? "");
  const [pairs, setPairs] = useState<Pair[]>(() => pairsOf(a.metadata as Record<string, string> | null));
  const metadata = metadataOf(pairs);
  const save = useChange(
    () => change(`/certificates/${certificate.id}`, { type: certificate.type ?? "certificates", id: certificate.id ?? "" }, { owner: owner.trim() || null, metadata }),
    (outcome) => {
      onDone(outcome.approval);
      onClose();
    },
  );
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-labelledby="edit-title">
      <ModalHeader title={t("certificate.editTitle")} labelId="edit-title" />
      <ModalBody>
        <ErrorAlert error={save.error} labels={{ owner: base("certificate.owner"), metadata: base("certificate.metadata") }} />
        <Form>
          <FormGroup label={base("certificate.owner")} fieldId="edit-owner">
            <TextInput id="edit-owner" value={owner} onChange={(_, v) => setOwner(v)} />
          </FormGroup>
          <FormGroup label={base("certificate.metadata")} role="group" fieldId="edit-metadata">
            <Metadata id="edit" pairs={pairs} onChange={setPairs} />
          </FormGroup>
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button isDisabled={metadata === null || save.isPending} isLoading={save.isPending} onClick={() => save.mutate()}>
          {t("certificate.save")}
        </Button>
        <Button variant="link" onClick={onClose}>
          {base("common.cancel")}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
