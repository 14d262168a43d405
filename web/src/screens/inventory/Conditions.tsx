import { Button, FormSelect, FormSelectOption, Label, LabelGroup, ToolbarContent, ToolbarItem } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { type Condition, groupsOf, isAny, join, MOST_GROUPS, parameterOf, without } from "../inventory";
import { sentenceOf } from "./words";

/** What is searched for: each condition, or each alternative, can be taken away; and whether all have to fit or one is enough. */
export function Conditions({ conditions, onChange }: { conditions: Condition[]; onChange: (to: Condition[]) => void }) {
  const { t, i18n } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const any = isAny(conditions);
  const fixed = conditions.filter((c) => !c.group).map((c) => [c]);
  const label = (some: Condition[]) => {
    const what = some.map((c) => sentenceOf(t, base, i18n.language, c)).join(t("and"));
    return (
      <Label key={some.map(parameterOf).join()} variant="outline" closeBtnAriaLabel={t("remove", { what })} onClose={() => onChange(without(conditions, some))}>
        {what}
      </Label>
    );
  };
  return (
    <ToolbarContent>
      <ToolbarItem>
        <FormSelect aria-label={t("joined.label")} value={any ? "any" : "all"} onChange={(_, v) => onChange(join(conditions, v === "any"))}>
          <FormSelectOption value="all" label={t("joined.all")} />
          <FormSelectOption value="any" label={t("joined.any")} isDisabled={conditions.length > MOST_GROUPS && !any} />
        </FormSelect>
      </ToolbarItem>
      {fixed.length > 0 && (
        <ToolbarItem className="siegel-middle">
          <LabelGroup numLabels={12} categoryName={any ? t("joined.always") : undefined} aria-label={t("conditions")}>
            {fixed.map(label)}
          </LabelGroup>
        </ToolbarItem>
      )}
      {any && (
        <ToolbarItem className="siegel-middle">
          <LabelGroup numLabels={12} categoryName={fixed.length > 0 ? t("joined.any") : undefined} aria-label={t("joined.any")}>
            {groupsOf(conditions).map(label)}
          </LabelGroup>
        </ToolbarItem>
      )}
      <ToolbarItem className="siegel-middle">
        <Button variant="link" isInline onClick={() => onChange([])}>
          {t("clear")}
        </Button>
      </ToolbarItem>
    </ToolbarContent>
  );
}
