import { useTranslation } from "react-i18next";
import { useLocation } from "react-router";
import { useRights } from "../api/session";
import { useExpert } from "../parts/view";
import { offered } from "../places";
import { Instead, useLacking } from "../resources/Permitted";
import { useWords } from "../resources/words";

/** Instead of a screen that one may not see: which right it wants, who can help, and where one may go. */
export default function Forbidden({ right }: { right: string }) {
  const { t } = useTranslation();
  const words = useWords();
  const lacking = useLacking();
  const { pathname } = useLocation();
  const to = offered(useRights(), useExpert()).find((place) => place.path !== pathname);
  return (
    <Instead
      title={words.t("screen.forbidden")}
      text={lacking(right)}
      to={to?.path}
      label={to?.nav && t(`nav.places.${to.nav.key}`)}
    />
  );
}
