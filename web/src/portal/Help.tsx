import { useTranslation } from "react-i18next";
import { HelpDrawer } from "../parts/HelpDrawer";
import { addressOf, placeOf } from "./places";

/** What one wants to know of a page of the portal, in its plain words. */
export default function Help({ path, onClose }: { path: string; onClose: () => void }) {
  const { t } = useTranslation("portalHelp");
  const { t: portal } = useTranslation("portal");
  const { help, related } = placeOf(path);
  return (
    <HelpDrawer
      topic={{ title: t(`topics.${help}.title`), what: t(`topics.${help}.what`), first: t(`topics.${help}.first`), terms: t(`topics.${help}.terms`) }}
      names={{ close: t("close"), first: t("first"), terms: t("terms"), related: t("related"), keys: t("keys"), keyList: t("keyList") }}
      related={related.map((key) => ({ to: addressOf(key), label: portal(`nav.${key}`) }))}
      onClose={onClose}
    />
  );
}
