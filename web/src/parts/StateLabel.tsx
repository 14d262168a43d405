import { Label } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import type { State } from "../format";

const LOOK = { issued: "success", revoked: "danger", held: "warning", expired: "warning", notYet: "info" } as const;

export function StateLabel({ state }: { state: State }) {
  const { t } = useTranslation();
  return <Label status={LOOK[state]}>{t(`status.${state}`)}</Label>;
}
