// The dialog of one action with a CA: its words, its fields, its request.
import { Checkbox, Content } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAll, useSend, useWhole } from "../../api/hooks";
import { type Item, type Outcome, text, type Wish } from "../../api/rest";
import { keyTypeTitle, usualFirst } from "../../keytypes";
import { AreaField, Dialog, SelectField, TextField, wrongWith } from "../../parts/kit";
import type { CaAction } from "../hierarchy";
import { storeTitle } from "./steps";

const REASONS = { unspecified: 0, keyCompromise: 1, caCompromise: 2, affiliationChanged: 3, superseded: 4, cessationOfOperation: 5 } as const;
type Reason = keyof typeof REASONS;

export type Action = Exclude<CaAction, "subordinate">;

/** What is typed and chosen; each action wants some of it. */
interface Typed {
  days: string;
  keyType: string;
  store: string;
  /** The CA to be certified, by name. */
  other: string;
  pem: string;
  reason: Reason;
  /** Whether what a retired CA issued is revoked with it. */
  also: boolean;
}

const NOTHING: Typed = { days: "", keyType: "", store: "", other: "", pem: "", reason: "superseded", also: false };

function requestOf(ca: Item, action: Action, w: Typed): Wish {
  const path = `/cas/${ca.id}` as const;
  const more = w.days.trim() ? { days: Number(w.days) } : {};
  switch (action) {
    case "install":
      return { path: `${path}/install`, type: "install", attributes: { certificate: w.pem } };
    case "renew":
      return { path: `${path}/renew`, type: "renew", attributes: more };
    case "rollover":
      return {
        path: `${path}/rollover`, type: "rollover",
        attributes: { ...more, ...(w.keyType ? { key_type: w.keyType } : {}), ...(w.store ? { key_store: w.store } : {}) },
      };
    case "cross":
      return {
        path: `${path}/cross`, type: "cross",
        attributes: { ...more, ...(w.other ? { ca: w.other } : w.pem.includes("REQUEST") ? { csr: w.pem } : { certificate: w.pem }) },
      };
    case "makeDefault":
      return { method: "PATCH", path, type: "cas", id: ca.id, attributes: { is_default: true } };
    case "retire":
      return { path: `${path}/retire`, type: "retire", attributes: w.also ? { revoke: true } : {} };
    case "revoke":
      return { path: `${path}/revoke`, type: "revoke", attributes: { reason: REASONS[w.reason] } };
    case "remove":
      return { method: "DELETE", path };
    default:
      return { path: `${path}/${action}`, type: action, attributes: {} };
  }
}

interface FieldsProps {
  ca: Item;
  typed: Typed;
  set: (change: Partial<Typed>) => void;
  wrong: (field: string) => string | undefined;
}

/** Who is certified: a CA of the tenant, or one elsewhere. */
function CrossFields({ ca, typed, set, wrong }: FieldsProps) {
  const { t } = useTranslation("hierarchy");
  const cas = useAll("/cas");
  const others = (cas.data ?? []).filter((one) => one.id !== ca.id && text(one, "pem") !== "");
  return (
    <>
      <SelectField
        label={t("crossCa")}
        value={typed.other}
        onChange={(other) => set({ other })}
        error={wrong("ca")}
        choices={[{ value: "", label: t("crossElsewhere") }, ...others.map((one) => ({ value: text(one, "name"), label: text(one, "name") }))]}
      />
      {!typed.other && (
        <AreaField
          label={t("crossPem")} help={t("crossPemHelp")} required mono rows={6} value={typed.pem} onChange={(pem) => set({ pem })}
          error={wrong("certificate") ?? wrong("csr")}
        />
      )}
    </>
  );
}

/** Where the new key is made, and of which type. */
function RolloverFields({ ca, typed, set, wrong }: FieldsProps) {
  const { t } = useTranslation("hierarchy");
  const stores = useWhole("/key_stores");
  const chosen = stores.data?.find((s) => s.id === (typed.store || (stores.data.find((one) => one.attributes.is_default === true)?.id ?? "")));
  const types = (chosen?.attributes.key_types as string[] | undefined) ?? [];
  return (
    <>
      <SelectField
        label={t("keyStore")}
        value={typed.store}
        onChange={(store) => set({ store })}
        error={wrong("key_store")}
        choices={[{ value: "", label: t("keyStoreDefault") }, ...(stores.data ?? []).map((s) => ({ value: s.id, label: storeTitle(s.id, t("keyFile")) }))]}
      />
      <SelectField
        label={t("keyType")}
        value={typed.keyType}
        onChange={(keyType) => set({ keyType })}
        error={wrong("key_type")}
        choices={[{ value: "", label: t("keyTypeSame", { type: keyTypeTitle(text(ca, "key_type")) }) }, ...usualFirst(types).map((one) => ({ value: one, label: keyTypeTitle(one) }))]}
      />
    </>
  );
}

export function CaDialog({ ca, action, onClose, onDone }: { ca: Item; action: Action; onClose: () => void; onDone: (o: Outcome) => void }) {
  const { t } = useTranslation("hierarchy");
  const [typed, setTyped] = useState(NOTHING);
  const change = useSend(onDone);
  const set = (more: Partial<Typed>) => setTyped({ ...typed, ...more });
  const wrong = (field: string) => wrongWith(change.error, field);
  const fields = { ca, typed, set, wrong };
  return (
    <Dialog
      title={t(`actions.${action}.title`, { name: text(ca, "name") })}
      action={t(`actions.${action}.do`)}
      danger={action === "retire" || action === "revoke" || action === "remove"}
      busy={change.isPending}
      disabled={(action === "install" && !typed.pem.trim()) || (action === "cross" && !typed.other && !typed.pem.trim())}
      error={change.error}
      labels={{ days: t("days"), certificate: t(action === "cross" ? "crossPem" : "chainPem"), csr: t("crossPem"), ca: t("crossCa"), key_store: t("keyStore"), key_type: t("keyType"), revoke: t("retireRevoke") }}
      onDo={() => change.mutate(requestOf(ca, action, typed))}
      onClose={onClose}
    >
      <Content component="p">{t(`actions.${action}.text`)}</Content>
      {action === "install" && (
        <AreaField
          label={t("chainPem")} help={t("chainPemHelp")} required mono rows={8} value={typed.pem} onChange={(pem) => set({ pem })} error={wrong("certificate")}
        />
      )}
      {action === "cross" && <CrossFields {...fields} />}
      {action === "rollover" && <RolloverFields {...fields} />}
      {(action === "renew" || action === "rollover" || action === "cross") && (
        <TextField label={t("days")} help={t("daysHelp")} type="number" min={1} value={typed.days} onChange={(days) => set({ days })} error={wrong("days")} />
      )}
      {action === "retire" && (
        <Checkbox id="retire-revoke" label={t("retireRevoke")} description={t("retireRevokeText")} isChecked={typed.also} onChange={(_, also) => set({ also })} />
      )}
      {action === "revoke" && (
        <SelectField
          label={t("reason")}
          value={typed.reason}
          onChange={(v) => set({ reason: v as Reason })}
          choices={(Object.keys(REASONS) as Reason[]).map((r) => ({ value: r, label: t(`reasons.${r}`) }))}
        />
      )}
    </Dialog>
  );
}
