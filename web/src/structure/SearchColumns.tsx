// The columns of a search that somebody keeps; without any they are those that everybody begins with.
import { Label, LabelGroup } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { columnsOf } from "../screens/inventory";
import { columnWord } from "../screens/inventory/words";
import { useStructureWords } from "./words";

export default function SearchColumns({ names }: { names: readonly string[] }) {
  const { t: own } = useStructureWords("saved_query");
  const { t } = useTranslation("inventory");
  return names.length === 0 ? (
    own("search.columns")
  ) : (
    <LabelGroup numLabels={20} aria-label={t("columns.title")}>
      {columnsOf(names).map((one) => (
        <Label key={one} variant="outline">{columnWord(t, one)}</Label>
      ))}
    </LabelGroup>
  );
}
