import { Button } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import type { Turning } from "../api/hooks";

/** The way to the list's other parts; nothing when there are none. */
export function Pages({ turn, names }: { turn: Turning; names?: { previous: string; next: string } }) {
  const { t } = useTranslation("work");
  if (!turn.previous && !turn.next) {
    return null;
  }
  return (
    <div className="siegel-actions siegel-tab" role="group" aria-label={t("pages")}>
      <Button variant="secondary" isDisabled={!turn.previous} onClick={() => turn.previous?.()}>
        {names?.previous ?? t("previous")}
      </Button>
      <span aria-live="polite">{t("page", { n: turn.at })}</span>
      <Button variant="secondary" isDisabled={!turn.next} onClick={() => turn.next?.()}>
        {names?.next ?? t("next")}
      </Button>
    </div>
  );
}
