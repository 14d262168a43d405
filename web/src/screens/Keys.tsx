// Key stores: whether each works, what it can make, which CAs have their keys there.
import { Button, Card, CardBody, CardTitle, Content, ExpandableSection, Label, PageSection, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useAll, useSend, useWhole } from "../api/hooks";
import { type Item, type Outcome, text } from "../api/rest";
import { useMay } from "../api/session";
import { keyTypeTitle, usualFirst } from "../keytypes";
import { ErrorAlert } from "../parts/ErrorAlert";
import { Dialog, Done, Fact, Facts } from "../parts/kit";
import { Notice } from "../parts/Notice";
import { Title } from "../parts/Title";

/** The CAs whose keys lie in a store: "token" means the first one that isn't the files. */
export function casIn(store: Item, stores: readonly Item[], cas: readonly Item[]): Item[] {
  const first = stores.find((s) => text(s, "kind") === "token");
  return cas.filter((ca) => {
    const place = text(ca, "key_store");
    return place === store.id || place === text(store, "label") || (place === "token" && store.id === first?.id);
  });
}

function Store({ store, stores, cas }: { store: Item; stores: Item[]; cas: Item[] }) {
  const { t } = useTranslation("keys");
  const may = useMay();
  const [types, setTypes] = useState(false);
  const [rotating, setRotating] = useState(false);
  const [done, setDone] = useState<Outcome | null>(null);
  const rotate = useSend((outcome) => {
    setDone(outcome);
    setRotating(false);
  });
  const usable = store.attributes.usable === true;
  const present = store.attributes.present === true;
  const all = (store.attributes.key_types as string[] | undefined) ?? [];
  const within = casIn(store, stores, cas);
  return (
    <Card>
      <CardTitle component="h2">
        {store.id === "file" ? t("files") : text(store, "name")}{" "}
        <Label isCompact status={usable ? "success" : "danger"}>
          {t(usable ? "works" : present ? "fails" : "absent")}
        </Label>
      </CardTitle>
      <CardBody>
        <Done outcome={done} text={t("rotated")} />
        {!usable && (
          <Notice variant="danger" title={t("why")}>
            {text(store, "why")}
          </Notice>
        )}
        <Facts>
          <Fact name={t("kind")}>{t(text(store, "kind") === "token" ? "token" : "encrypted")}</Fact>
          <Fact name={t("default")}>{t(store.attributes.is_default === true ? "yes" : "no")}</Fact>
          {text(store, "manufacturer") && <Fact name={t("maker")}>{[text(store, "manufacturer"), text(store, "model")].filter(Boolean).join(", ")}</Fact>}
          {text(store, "serial") && <Fact name={t("serial")}>{text(store, "serial")}</Fact>}
          <Fact name={t("cas")}>
            {within.map((ca) => (
              <div key={ca.id}>
                <Link to={`/hierarchy/${ca.id}`}>{text(ca, "name")}</Link>
              </div>
            ))}
            {within.length === 0 && "–"}
          </Fact>
        </Facts>
        <ExpandableSection toggleText={t("types", { count: all.length })} isExpanded={types} onToggle={(_, v) => setTypes(v)}>
          <Content component="p">{usualFirst(all).map(keyTypeTitle).join(", ")}</Content>
        </ExpandableSection>
        {may("key_stores.manage") && text(store, "kind") === "token" && (
          <div className="siegel-tab">
            <Button variant="secondary" onClick={() => setRotating(true)}>
              {t("rotate")}
            </Button>
          </div>
        )}
        {rotating && (
          <Dialog
            title={t("rotateTitle", { name: text(store, "name") })}
            action={t("rotate")}
            busy={rotate.isPending}
            error={rotate.error}
            onClose={() => setRotating(false)}
            onDo={() => rotate.mutate({ path: `/key_stores/${encodeURIComponent(store.id)}/rotate` })}
          >
            <Content component="p">{t("rotateText")}</Content>
          </Dialog>
        )}
      </CardBody>
    </Card>
  );
}

export default function Keys() {
  const { t } = useTranslation("keys");
  const stores = useWhole("/key_stores");
  const cas = useAll("/cas");
  return (
    <>
      <Title title={t("title")} subtitle={t("subtitle")} />
      <PageSection>
        <ErrorAlert error={stores.error ?? cas.error} />
        {stores.isPending && <Skeleton height="12rem" screenreaderText={t("loading")} />}
        <Stack hasGutter>
          {(stores.data ?? []).map((store) => (
            <StackItem key={store.id}>
              <Store store={store} stores={stores.data ?? []} cas={cas.data ?? []} />
            </StackItem>
          ))}
        </Stack>
      </PageSection>
    </>
  );
}
