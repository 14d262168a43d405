// A search that somebody keeps, in words: which certificates it finds, in which order.
import { useTranslation } from "react-i18next";
import { type Attribute, type Condition, conditionsOf, groupsOf, parameterOf, sortOf, unknownIn } from "../screens/inventory";
import { sentenceOf } from "../screens/inventory/words";
import { useStructureWords } from "./words";
import type { Values } from "./schema";

export function Search({ query }: { query: Values }) {
  const { t: own } = useStructureWords("saved_query");
  const { t, i18n } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const texts = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const address = new URLSearchParams(texts);
  const conditions = conditionsOf(address);
  const groups = groupsOf(conditions);
  const sort = sortOf(address);
  const unknown = unknownIn(texts);
  const say = (some: Condition[]) => some.map((c) => sentenceOf(t, base, i18n.language, c)).join(t("and"));
  return (
    <>
      <ul className="siegel-items">
        {conditions.length === 0 && <li>{own("search.all")}</li>}
        {conditions.filter((c) => !c.group).map((c) => (
          <li key={parameterOf(c)}>{say([c])}</li>
        ))}
        {groups.length > 0 && <li>{`${t("joined.any")}: ${groups.map(say).join("; ")}`}</li>}
        {sort && <li>{own(sort.startsWith("-") ? "search.down" : "search.up", { what: t(`attributes.${sort.replace(/^-/, "") as Attribute}`) })}</li>}
      </ul>
      {unknown.length > 0 && (
        <p className="siegel-above">
          {own("search.unknown")} {unknown.map(([name, value]) => <code key={name} className="siegel-wrap">{`${name}=${value} `}</code>)}
        </p>
      )}
    </>
  );
}
