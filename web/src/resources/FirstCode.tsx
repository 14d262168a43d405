// After a person's account was made: the code by which that person signs in for the first time, at once.
import { Button } from "@patternfly/react-core";
import { useChange } from "../api/hooks";
import { useRights } from "../api/session";
import { create } from "../api/rest";
import { ErrorAlert } from "../parts/ErrorAlert";
import { useArrival } from "../parts/head";
import { Notice } from "../parts/Notice";
import { Done } from "../parts/kit";
import { isDone } from "./Act";
import { labelOf, onceOf, permitted, resourceOf, type Thing } from "./model";
import { Once } from "./Once";
import { useWords } from "./words";

/** Whether somebody with these rights may make the code. */
export function useFirstCode(): boolean {
  return permitted(resourceOf("credentials").create, useRights());
}

export function FirstCode({ account, onDone }: { account: Thing; onDone: () => void }) {
  const { t } = useWords();
  const top = useArrival<HTMLDivElement>();
  const name = labelOf(account);
  const make = useChange(() => create<Thing>("/credentials", "credentials", { kind: "one_time", account: String(account.attributes?.name ?? "") }));
  const made = make.data && isDone(make.data) ? make.data.item : null;
  if (made) {
    return <Once resource="credentials" shown={onceOf("credentials", made)} onKept={onDone} />;
  }
  return (
    <>
      <div ref={top} tabIndex={-1} role="group" aria-label={t("screen.personMade", { name })} className="siegel-arrived">
        <Notice variant="success" title={t("screen.personMade", { name })}>
          {t("screen.personNext")}
        </Notice>
      </div>
      <ErrorAlert error={make.error} />
      {make.data && <Done outcome={make.data} />}
      <div className="siegel-actions siegel-above">
        <Button isLoading={make.isPending} isDisabled={make.isPending} onClick={() => make.mutate()}>
          {t("screen.personCode")}
        </Button>
        <Button variant="link" onClick={onDone}>
          {t("screen.personLater")}
        </Button>
      </div>
    </>
  );
}
