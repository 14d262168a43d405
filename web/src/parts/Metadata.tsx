import { Button, Grid, GridItem, HelperText, HelperTextItem, TextInput } from "@patternfly/react-core";
import MinusCircleIcon from "@patternfly/react-icons/dist/esm/icons/minus-circle-icon";
import PlusCircleIcon from "@patternfly/react-icons/dist/esm/icons/plus-circle-icon";
import { useTranslation } from "react-i18next";

export type Pair = [key: string, value: string];
const KEY = /^[A-Za-z0-9_.-]{1,64}$/;

export function pairsOf(metadata: Record<string, string> | null | undefined): Pair[] {
  return Object.entries(metadata ?? {});
}

/** What was filled in, by key; null: a key isn't one. */
export function metadataOf(pairs: Pair[]): Record<string, string> | null {
  const filled = pairs.filter(([key, value]) => key.trim() || value);
  return filled.every(([key]) => KEY.test(key.trim())) ? Object.fromEntries(filled.map(([key, value]) => [key.trim(), value])) : null;
}

/** Free keys with texts, a line each. */
export function Metadata({ id, pairs, onChange }: { id: string; pairs: Pair[]; onChange: (pairs: Pair[]) => void }) {
  const { t } = useTranslation("inventory");
  const set = (i: number, pair: Pair) => onChange(pairs.map((one, k) => (k === i ? pair : one)));
  return (
    <Grid hasGutter>
      {pairs.map(([key, value], i) => {
        const bad = key.trim() !== "" && !KEY.test(key.trim());
        return (
          // A line is known by its place: its key is what is being typed.
          <GridItem key={i}>
            <Grid hasGutter>
              <GridItem span={5}>
                <TextInput
                  id={`${id}-key-${i}`} aria-label={`${t("metadata.key")} ${i + 1}`} placeholder={t("metadata.key")} value={key}
                  validated={bad ? "error" : "default"} onChange={(_, v) => set(i, [v, value])}
                />
                {bad && (
                  <HelperText>
                    <HelperTextItem variant="error" screenReaderText="">{t("metadata.badKey")}</HelperTextItem>
                  </HelperText>
                )}
              </GridItem>
              <GridItem span={6}>
                <TextInput
                  id={`${id}-value-${i}`} aria-label={`${t("metadata.value")} ${i + 1}`} placeholder={t("metadata.value")} value={value}
                  onChange={(_, v) => set(i, [key, v])}
                />
              </GridItem>
              <GridItem span={1}>
                <Button
                  variant="plain" icon={<MinusCircleIcon />} aria-label={t("metadata.remove", { key: key || String(i + 1) })}
                  onClick={() => onChange(pairs.filter((_, k) => k !== i))}
                />
              </GridItem>
            </Grid>
          </GridItem>
        );
      })}
      <GridItem>
        <Button variant="link" isInline icon={<PlusCircleIcon />} onClick={() => onChange([...pairs, ["", ""]])}>
          {t("metadata.add")}
        </Button>
      </GridItem>
    </Grid>
  );
}
