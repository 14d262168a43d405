// The steps to a new CA, each a part of the form.
import { Checkbox, Content, FormGroup, ProgressStep, ProgressStepper, Radio } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { useAll, useWhole } from "../../api/hooks";
import { type Item, text } from "../../api/rest";
import { useBuiltin } from "../../i18n/say";
import { Fact, Facts, SelectField, TextField } from "../../parts/kit";
import { keyTypeTitle, usualFirst } from "../../keytypes";
import { newCaFaults, nameOf, type NewCa } from "../hierarchy";

export const STEPS = ["place", "name", "key", "check"] as const;

/** The types that the store makes, the usual ones first. */
export function typesOf(store: Item | undefined): string[] {
  return usualFirst((store?.attributes.key_types as string[] | undefined) ?? []);
}

/** Profiles of CAs, for roots or for what stands below another one. */
export function profilesOf(profiles: readonly Item[]): Item[] {
  return profiles.filter((p) => (p.attributes.definition as { ca?: boolean } | undefined)?.ca === true);
}

export interface StepProps {
  /** What was typed. */
  w: NewCa;
  /** The same with what is meant where nothing was. */
  wish: NewCa;
  set: (change: Partial<NewCa>) => void;
  wrong: (name: string) => string | undefined;
}

const KINDS = ["root", "below", "external"] as const;

function useKinds() {
  const { t } = useTranslation("hierarchy");
  return {
    texts: { root: t("kindRoot"), below: t("kindBelow"), external: t("kindExternal") },
    help: { root: t("kindRootText"), below: t("kindBelowText"), external: t("kindExternalText") },
  };
}

export function Progress({ at }: { at: number }) {
  const { t } = useTranslation("hierarchy");
  return (
    <ProgressStepper isCenterAligned aria-label={t("steps")}>
      {STEPS.map((name, i) => (
        <ProgressStep
          key={name}
          id={`step-${name}`}
          titleId={`step-${name}-title`}
          variant={i < at ? "success" : i === at ? "info" : "pending"}
          isCurrent={i === at}
          aria-label={t(i < at ? "stepDone" : i === at ? "stepNow" : "stepLater", { step: t(`step.${name}`) })}
        >
          {t(`step.${name}`)}
        </ProgressStep>
      ))}
    </ProgressStepper>
  );
}

export function Place({ wish, set, parents }: StepProps & { parents: readonly Item[] }) {
  const { t } = useTranslation("hierarchy");
  const kinds = useKinds();
  return (
    <>
      <FormGroup role="radiogroup" label={t("where")} fieldId="kind">
        {KINDS.map((kind) => (
          <Radio
            key={kind}
            id={`kind-${kind}`}
            name="kind"
            label={kinds.texts[kind]}
            description={kinds.help[kind]}
            isChecked={wish.kind === kind}
            isDisabled={kind === "below" && parents.length === 0}
            onChange={() => set({ kind })}
          />
        ))}
      </FormGroup>
      {wish.kind === "below" && (
        <SelectField
          label={t("parent")}
          help={t("parentHelp")}
          value={wish.parent}
          onChange={(parent) => set({ parent })}
          choices={parents.map((ca) => ({ value: text(ca, "name"), label: text(ca, "name") }))}
        />
      )}
    </>
  );
}

export function Name({ w, set, wrong }: StepProps) {
  const { t } = useTranslation("hierarchy");
  const faults = newCaFaults(w);
  return (
    <>
      <TextField label={t("cn")} help={t("cnHelp")} required value={w.cn} onChange={(cn) => set({ cn })} error={wrong("subject")} />
      <TextField label={t("o")} value={w.o} onChange={(o) => set({ o })} />
      <TextField label={t("c")} help={t("cHelp")} value={w.c} onChange={(c) => set({ c })} error={faults.c && t(faults.c)} />
      <TextField
        label={t("name")}
        help={t("nameHelp", { name: nameOf(w.cn) || "…" })}
        value={w.name}
        onChange={(name) => set({ name })}
        error={faults.name ? t(faults.name) : wrong("name")}
      />
    </>
  );
}

/** What it is issued by, and for how long. */
function Validity({ w, wish, set, wrong }: StepProps) {
  const { t } = useTranslation("hierarchy");
  const title = useBuiltin();
  const profiles = useAll("/profiles");
  const fault = newCaFaults(w).days;
  return (
    <>
      <SelectField
        label={t("profile")}
        help={t("profileHelp")}
        value={w.profile}
        onChange={(profile) => set({ profile })}
        error={wrong("profile")}
        choices={[
          { value: "", label: t(wish.kind === "root" ? "profileRoot" : "profileSub") },
          ...profilesOf(profiles.data ?? []).map((p) => ({ value: text(p, "name"), label: `${title(text(p, "title")) || text(p, "name")} (${text(p, "name")})` })),
        ]}
      />
      <TextField label={t("days")} help={t("daysHelp")} type="number" min={1} value={w.days} onChange={(days) => set({ days })} error={fault ? t(fault) : wrong("days")} />
    </>
  );
}

/** first: the tenant has no CA yet. */
export function Key({ w, wish, set, wrong, first }: StepProps & { first: boolean }) {
  const { t } = useTranslation("hierarchy");
  const stores = useWhole("/key_stores");
  const store = (stores.data ?? []).find((s) => (w.keyStore ? s.id === w.keyStore : s.attributes.is_default === true));
  return (
    <>
      <SelectField
        label={t("keyStore")}
        help={t("keyStoreHelp")}
        value={w.keyStore}
        onChange={(keyStore) => set({ keyStore, keyType: "" })}
        error={wrong("key_store")}
        choices={[{ value: "", label: t("keyStoreDefault") }, ...(stores.data ?? []).map((s) => ({ value: s.id, label: storeTitle(s.id, t("keyFile")) }))]}
      />
      <SelectField
        label={t("keyType")}
        help={t("keyTypeHelp")}
        value={w.keyType}
        onChange={(keyType) => set({ keyType })}
        error={wrong("key_type")}
        choices={[{ value: "", label: t("keyTypeDefault") }, ...typesOf(store).map((one) => ({ value: one, label: keyTypeTitle(one) }))]}
      />
      {wish.kind !== "external" && <Validity w={w} wish={wish} set={set} wrong={wrong} />}
      <TextField label={t("baseUrl")} help={t(first ? "baseUrlFirst" : wish.kind === "below" ? "baseUrlHelp" : "baseUrlOther")} value={wish.baseUrl} onChange={(baseUrl) => set({ baseUrl })} error={wrong("base_url")} />
      {wish.kind === "root" && (
        <Checkbox id="offline" label={t("offline")} description={t("offlineText")} isChecked={w.offline} onChange={(_, offline) => set({ offline })} />
      )}
      {wish.kind !== "root" && (
        <Checkbox id="is-default" label={t("isDefault")} description={t("isDefaultText")} isChecked={w.isDefault} onChange={(_, isDefault) => set({ isDefault })} />
      )}
    </>
  );
}

/** A store as people read it: what lies in files has no name of its own. */
export function storeTitle(id: string, files: string): string {
  return id === "file" ? files : id;
}

export function Check({ w, wish }: StepProps) {
  const { t } = useTranslation("hierarchy");
  const title = useBuiltin();
  const profiles = useAll("/profiles");
  const profile = w.profile ? profiles.data?.find((p) => text(p, "name") === w.profile) : undefined;
  const kinds = useKinds();
  return (
    <>
      <Content component="p">{t("checkText")}</Content>
      <Facts>
        <Fact name={t("where")}>{wish.kind === "below" ? t("belowOf", { name: wish.parent }) : kinds.texts[wish.kind]}</Fact>
        <Fact name={t("cn")}>{[w.cn, w.o, w.c.toUpperCase()].filter(Boolean).join(", ")}</Fact>
        <Fact name={t("name")}>{w.name || nameOf(w.cn)}</Fact>
        <Fact name={t("keyType")}>{w.keyType ? keyTypeTitle(w.keyType) : t("keyTypeDefault")}</Fact>
        <Fact name={t("keyStore")}>{w.keyStore ? storeTitle(w.keyStore, t("keyFile")) : t("keyStoreDefault")}</Fact>
        {wish.kind !== "external" && <Fact name={t("profile")}>{profile ? title(text(profile, "title")) || w.profile : t(wish.kind === "root" ? "profileRoot" : "profileSub")}</Fact>}
        {wish.kind !== "external" && <Fact name={t("days")}>{w.days || t("daysDefault")}</Fact>}
        <Fact name={t("baseUrl")}>{wish.baseUrl || t(wish.kind === "below" ? "baseUrlDefault" : "baseUrlUsual")}</Fact>
        {wish.kind === "root" && <Fact name={t("offline")}>{t(w.offline ? "yes" : "no")}</Fact>}
        {wish.kind !== "root" && <Fact name={t("isDefault")}>{t(w.isDefault ? "yes" : "no")}</Fact>}
      </Facts>
    </>
  );
}
