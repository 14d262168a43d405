import { useTranslation } from "react-i18next";
import { helpOf, targetOf } from "../help";
import { useWords } from "../resources/words";
import { HelpDrawer } from "./HelpDrawer";

/** What one wants to know of a view of the console. */
export default function Help({ path, rights, onClose }: { path: string; rights: readonly string[]; onClose: () => void }) {
  const { t } = useTranslation("help");
  const { t: word } = useTranslation();
  const help = helpOf(path);
  const topic = help?.topic ?? "resources";
  const words = useWords();
  const related = (help?.related ?? []).flatMap((to) => {
    const target = targetOf(to, rights);
    const label = target?.resource ? words.resource(target.resource).title : target?.place?.nav ? word(`nav.places.${target.place.nav.key}`) : to;
    return target ? [{ to, label }] : [];
  });
  return (
    <HelpDrawer
      topic={{ title: t(`topics.${topic}.title`), what: t(`topics.${topic}.what`), first: t(`topics.${topic}.first`), terms: t(`topics.${topic}.terms`) }}
      names={{ close: t("close"), first: t("first"), terms: t("terms"), related: t("related"), keys: t("keys"), keyList: t("keyList") }}
      related={related}
      onClose={onClose}
    />
  );
}
