import {
  Button, Checkbox, DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm, Dropdown, DropdownItem, DropdownList, Form, FormGroup, FormHelperText,
  FormSelect, FormSelectOption, HelperText, HelperTextItem, MenuToggle, ModalBody, ModalFooter, ModalHeader, Radio, Stack, StackItem,
  TextInput,
} from "@patternfly/react-core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { carryOut, type Deed, type Which } from "../../api/certificates";
import { isRunning, useJob } from "../../api/jobs";
import { number, text } from "../../api/rest";
import { useMay } from "../../api/session";
import { count, date, list } from "../../format";
import { ErrorAlert } from "../../parts/ErrorAlert";
import { JobItems, JobProgress } from "../../parts/Job";
import { Metadata, metadataOf, type Pair } from "../../parts/Metadata";
import { Notice } from "../../parts/Notice";
import { type Condition, choiceOf, isLong, REASONS } from "../inventory";
import { Counting, useFound } from "./Counting";
import { Modal } from "../../parts/Modal";

export type Action = "revoke" | "hold" | "release" | "advise" | "update";
const ACTIONS: { action: Action; right: string }[] = [
  { action: "update", right: "metadata.write" },
  { action: "advise", right: "certificates.revoke" },
  { action: "hold", right: "certificates.revoke" },
  { action: "release", right: "certificates.revoke" },
  { action: "revoke", right: "certificates.revoke" },
];

interface Form_ {
  reason: string;
  owner: string;
  noOwner: boolean;
  pairs: Pair[];
  remove: string;
}

/** null: nothing would be changed by it, or a key isn't one. */
export function deedOf(action: Action, f: Form_): Deed | null {
  switch (action) {
    case "revoke":
      return { path: "revoke", members: { reason: f.reason } };
    case "hold":
      return { path: "revoke", members: { reason: "certificateHold" } };
    case "release":
      return { path: "revoke", members: { reason: "removeFromCRL" } };
    case "advise":
      return { path: "advise_renewal", members: {} };
    case "update": {
      const set = metadataOf(f.pairs);
      const remove = list(f.remove);
      const owner = f.noOwner ? null : f.owner.trim() || undefined;
      if (set === null || (owner === undefined && Object.keys(set).length === 0 && remove.length === 0)) {
        return null;
      }
      return {
        path: "update",
        members: {
          ...(owner === undefined ? {} : { owner }),
          ...(Object.keys(set).length > 0 ? { metadata_set: set } : {}),
          ...(remove.length > 0 ? { metadata_remove: remove } : {}),
        },
      };
    }
  }
}

function Progress_({ id }: { id: string }) {
  const { t, i18n } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const { data: job, error } = useJob(id);
  const status = text(job, "status");
  const ended = job && !isRunning(job);
  const failed = number(job, "failed");
  const n = (value: number) => count(i18n.language, value);
  return (
    <Stack hasGutter>
      <StackItem>
        <ErrorAlert error={error} />
        {job && <JobProgress job={job} />}
      </StackItem>
      <StackItem>
        {!ended && t("many.leave")} <Link to={`/jobs/${id}`}>{base("kit.toJob")}</Link>
      </StackItem>
      {ended && (
        <StackItem>
          <Notice
            isLiveRegion
            variant={status === "done" ? (failed ? "warning" : "success") : "danger"}
            title={t(status === "done" ? "many.done" : status === "failed" ? "many.failed" : "many.cancelled")}
          >
            {t("many.doneText", { done: n(number(job, "done")), failed: n(failed) })}
          </Notice>
        </StackItem>
      )}
      {ended && failed > 0 && (
        <StackItem>
          <JobItems job={job} failedAlone />
        </StackItem>
      )}
    </Stack>
  );
}

function Fields({ action, f, onChange }: { action: Action; f: Form_; onChange: (change: Partial<Form_>) => void }) {
  const { t } = useTranslation("inventory");
  const { t: base } = useTranslation();
  if (action === "revoke") {
    return (
      <FormGroup label={t("many.reason")} fieldId="many-reason">
        <FormSelect id="many-reason" value={f.reason} onChange={(_, reason) => onChange({ reason })}>
          {REASONS.filter((one) => one !== "certificateHold").map((one) => (
            <FormSelectOption key={one} value={one} label={base(`certificate.reasons.${one}`)} />
          ))}
        </FormSelect>
      </FormGroup>
    );
  }
  if (action !== "update") {
    return null;
  }
  return (
    <>
      <FormGroup label={t("many.owner")} fieldId="many-owner">
        <TextInput id="many-owner" value={f.owner} isDisabled={f.noOwner} onChange={(_, owner) => onChange({ owner })} />
        <Checkbox id="many-no-owner" label={t("many.noOwner")} isChecked={f.noOwner} onChange={(_, noOwner) => onChange({ noOwner })} />
      </FormGroup>
      <FormGroup label={t("many.set")} role="group" fieldId="many-set">
        <Metadata id="many" pairs={f.pairs} onChange={(pairs) => onChange({ pairs })} />
      </FormGroup>
      <FormGroup label={t("many.remove")} fieldId="many-remove">
        <TextInput id="many-remove" value={f.remove} onChange={(_, remove) => onChange({ remove })} aria-describedby="many-remove-help" />
        <FormHelperText>
          <HelperText>
            <HelperTextItem id="many-remove-help">{t("many.removeHelp")}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      </FormGroup>
    </>
  );
}

interface Wish {
  action: Action;
  checked: string[];
  conditions: Condition[];
}

/** What is done, and to which; how many that would be; how far it is. */
export function Many({ action, checked, conditions, onClose }: Wish & { onClose: (done: boolean) => void }) {
  const { t, i18n } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const [all, setAll] = useState(checked.length === 0);
  const [f, setForm] = useState<Form_>({ reason: "unspecified", owner: "", noOwner: false, pairs: [], remove: "" });
  const which: Which = all ? { filter: choiceOf(conditions) } : { ids: checked };
  const deed = deedOf(action, f);
  const look = useFound(isLong(conditions));
  const act = useMutation({ mutationFn: (expected: number) => carryOut(look.job ? { counted: look.job } : which, deed as Deed, expected) });
  const labels = { owner: t("many.owner"), metadata_set: t("many.set"), metadata_remove: t("many.remove"), reason: t("many.reason"), filter: t("conditions") };
  const found = look.found;
  const n = (value: number) => count(i18n.language, value);
  const step = act.data ? "run" : found ? "confirm" : look.job ? "count" : "ask";
  const none = all ? conditions.length === 0 : checked.length === 0;
  return (
    <Modal isOpen variant="medium" onClose={() => onClose(step === "run")} aria-labelledby="many-title" aria-describedby="many-text">
      <ModalHeader
        title={t(`many.${action}Title`)} labelId="many-title" description={t(`many.${action}Text`)} descriptorId="many-text"
        titleIconVariant={action === "revoke" ? "warning" : undefined}
      />
      <ModalBody>
        <ErrorAlert error={look.ask.error ?? act.error} labels={labels} />
        {step === "ask" && (
          <Form>
            <FormGroup role="radiogroup" label={t("many.which")} fieldId="many-which">
              <Radio
                id="many-checked" name="many-which" label={t("many.checked", { count: checked.length })} isChecked={!all} isDisabled={checked.length === 0}
                onChange={() => setAll(false)}
              />
              <Radio
                id="many-matching" name="many-which" label={t("many.matching")} description={conditions.length === 0 ? t("many.matchingNone") : undefined}
                isChecked={all} isDisabled={conditions.length === 0} onChange={() => setAll(true)}
              />
            </FormGroup>
            <Fields action={action} f={f} onChange={(change) => setForm({ ...f, ...change })} />
          </Form>
        )}
        {step === "count" && look.job && <Counting id={look.job} />}
        {step === "confirm" && found && (
          <Stack hasGutter>
            <StackItem>
              <Notice variant={found.count ? "warning" : "info"} title={found.count ? t("many.count", { count: found.count, n: n(found.count) }) : t("many.nothing")}>
                {look.job && found.count > 0 && <div>{t("many.bound")}</div>}
                {found.refused > 0 && <div>{t("many.refused", { count: found.refused, judged: n(found.judged) })}</div>}
              </Notice>
            </StackItem>
            {found.sample.length > 0 && (
              <StackItem>
                <DescriptionList isHorizontal isCompact aria-label={t("many.sample")}>
                  {found.sample.slice(0, 8).map((one) => (
                    <DescriptionListGroup key={one.id}>
                      <DescriptionListTerm>{date(i18n.language, one.not_after)}</DescriptionListTerm>
                      <DescriptionListDescription className="siegel-wrap">{one.subject}</DescriptionListDescription>
                    </DescriptionListGroup>
                  ))}
                </DescriptionList>
              </StackItem>
            )}
          </Stack>
        )}
        {act.data?.approval && (
          <Notice variant="info" title={t("many.waits", { id: act.data.approval })} actionLinks={<Link to={`/approvals/${act.data.approval}`}>{base("kit.toApproval")}</Link>} />
        )}
        {act.data?.job && <Progress_ id={act.data.job} />}
      </ModalBody>
      <ModalFooter>
        {step === "ask" && (
          <Button isDisabled={none || !deed || look.ask.isPending} isLoading={look.ask.isPending} onClick={() => deed && look.ask.mutate({ which, deed })}>
            {t("many.preview")}
          </Button>
        )}
        {step === "count" && (
          <Button variant="secondary" onClick={look.reset}>
            {t("many.back")}
          </Button>
        )}
        {step === "confirm" && found && (
          <>
            <Button
              variant={action === "revoke" || action === "hold" ? "danger" : "primary"} isDisabled={found.count === 0 || act.isPending} isLoading={act.isPending}
              onClick={() => act.mutate(found.count)}
            >
              {t("many.go", { count: found.count })}
            </Button>
            <Button
              variant="secondary"
              onClick={() => {
                look.reset();
                act.reset();
              }}
            >
              {t("many.back")}
            </Button>
          </>
        )}
        <Button variant="link" onClick={() => onClose(step === "run")}>
          {base(step === "run" ? "common.close" : "common.cancel")}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

/** The menu of what may be done to many. */
export function ManyMenu({ onChoose }: { onChoose: (action: Action) => void }) {
  const { t } = useTranslation("inventory");
  const may = useMay();
  const [open, setOpen] = useState(false);
  const offered = ACTIONS.filter((one) => may(one.right));
  if (offered.length === 0) {
    return null;
  }
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      onSelect={() => setOpen(false)}
      toggle={(ref) => (
        <MenuToggle ref={ref} onClick={() => setOpen(!open)} isExpanded={open}>
          {t("many.button")}
        </MenuToggle>
      )}
    >
      <DropdownList>
        {offered.map(({ action }) => (
          <DropdownItem key={action} isDanger={action === "revoke"} onClick={() => onChoose(action)}>
            {t(`many.${action}`)}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}
