// A directory of ACME and those whom the house knows (RFC 8555 7.3.4): whether it takes their keys, and a new one, shown once with the lines that use it.
import { Button, Content } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSend } from "../../api/hooks";
import { type Item, number, type Outcome, text } from "../../api/rest";
import { useMay } from "../../api/session";
import { Code } from "../../parts/Code";
import { AreaField, Dialog, Done, Fact, Facts, TextField, wrongWith } from "../../parts/kit";
import { ErrorAlert } from "../../parts/ErrorAlert";
import { Notice } from "../../parts/Notice";
import { attributesOfKey, externalOf, withKey } from "../enrolment";
import { Lines } from "./Lines";

function NewKey({ directory, onClose, onDone }: { directory: Item; onClose: () => void; onDone: (o: Outcome) => void }) {
  const { t } = useTranslation("enrolment");
  const [names, setNames] = useState("");
  const [accounts, setAccounts] = useState("1");
  const [days, setDays] = useState("30");
  const create = useSend(onDone);
  return (
    <Dialog
      title={t("keyTitle", { name: text(directory, "name") })}
      action={t("create")}
      busy={create.isPending}
      error={create.error}
      labels={{ names: t("keyNames"), max_accounts: t("keyAccounts"), hours: t("keyDays") }}
      onClose={onClose}
      onDo={() => create.mutate({ path: "/acme_keys", type: "acme_keys", attributes: attributesOfKey({ directory, names, accounts, days }) })}
    >
      <Content component="p">{t("keyText")}</Content>
      <TextField label={t("keyAccounts")} help={t("keyAccountsHelp")} type="number" min={1} value={accounts} onChange={setAccounts} error={wrongWith(create.error, "max_accounts")} />
      <TextField label={t("keyDays")} help={t("keyDaysHelp")} type="number" min={1} value={days} onChange={setDays} error={wrongWith(create.error, "hours")} />
      <AreaField label={t("keyNames")} help={t("keyNamesHelp")} mono rows={3} value={names} onChange={setNames} error={wrongWith(create.error, "names")} />
    </Dialog>
  );
}

/** The key that was made, as long as the card is open. */
function Made({ made }: { made: Item }) {
  const { t } = useTranslation("enrolment");
  const kid = text(made, "kid");
  return (
    <div data-key={kid}>
      <Notice variant="warning" title={t("keyOnce")} />
      <Facts>
        <Fact name={t("kid")}>
          <span className="siegel-mono">{kid}</span>
        </Fact>
      </Facts>
      <Code label={t("key")} text={text(made, "key")} file={`${kid}.txt`} type="text/plain" />
      <Lines item={withKey(made)} heading="h3" />
    </div>
  );
}

export function ExternalAccounts({ directory }: { directory: Item }) {
  const { t } = useTranslation("enrolment");
  const may = useMay();
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Outcome | null>(null);
  const change = useSend();
  const name = text(directory, "name");
  const external = externalOf(directory);
  const settings = { ...((directory.attributes.settings ?? {}) as Record<string, unknown>), external_account: "optional" };
  return (
    <>
      <Facts>
        <Fact name={t("external")}>{t(`externals.${external}`)}</Fact>
      </Facts>
      <ErrorAlert error={change.error} />
      <Done outcome={change.data} />
      <Done outcome={made?.item ? null : made} />
      {made?.item && <Made made={made.item} />}
      {external === "off" && may("enrolment.manage") && (
        <Button
          variant="link"
          isInline
          isLoading={change.isPending}
          isDisabled={change.isPending}
          aria-label={`${t("externalOn")}: ${name}`}
          onClick={() => change.mutate({ method: "PATCH", path: `/acme_directories/${directory.id}`, type: "acme_directories", id: directory.id, attributes: { settings, version: number(directory, "version") } })}
        >
          {t("externalOn")}
        </Button>
      )}
      {external !== "off" && may("enrolment.codes") && (
        <Button
          variant="link"
          isInline
          aria-label={`${t("newKey")}: ${name}`}
          onClick={() => {
            setMade(null);
            setMaking(true);
          }}
        >
          {t("newKey")}
        </Button>
      )}
      {making && (
        <NewKey
          directory={directory}
          onClose={() => setMaking(false)}
          onDone={(outcome) => {
            setMade(outcome);
            setMaking(false);
          }}
        />
      )}
    </>
  );
}
