// The tenant's CAs: as a picture, and as a table for keyboard and screen reader.
import { Button, Card, CardBody, CardTitle, Label, PageSection, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useAll } from "../api/hooks";
import { type Item, number, related, text } from "../api/rest";
import { useMay } from "../api/session";
import { date } from "../format";
import { keyTypeTitle } from "../keytypes";
import { ErrorAlert } from "../parts/ErrorAlert";
import NoCa from "../parts/NoCa";
import { Title } from "../parts/Title";
import { BOX, endsSoon, layout, type Node, rowsOf, treesOf } from "./hierarchy";

export const CA_LOOK = {
  active: "success", offline: "info", pending: "info", disabled: "warning", superseded: "warning", revoked: "danger", retired: "custom",
} as const;
export type CaState = keyof typeof CA_LOOK;
export const isCaState = (word: string): word is CaState => Object.hasOwn(CA_LOOK, word);

export function CaStatus({ ca }: { ca: Item }) {
  const { t } = useTranslation("hierarchy");
  const status = text(ca, "status");
  return isCaState(status) ? <Label status={CA_LOOK[status]}>{t(`status.${status}`)}</Label> : <Label>{status}</Label>;
}

/** As much of a text as a box takes. */
export function cut(label: string, most: number): string {
  return label.length > most ? `${label.slice(0, most - 1)}…` : label;
}

function Graph({ trees, crosses }: { trees: Node[]; crosses: { signer: string; subject: string }[] }) {
  const { t, i18n } = useTranslation("hierarchy");
  const picture = layout(trees, crosses);
  return (
    <div className="siegel-graph" tabIndex={0} role="group" aria-label={t("picture")}>
      <svg width={picture.width} height={picture.height} viewBox={`0 0 ${picture.width} ${picture.height}`} aria-label={t("picture")} role="group">
        <defs>
          <marker id="siegel-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
            <path d="M0 0 L8 4 L0 8 Z" className="siegel-graph-arrow" />
          </marker>
        </defs>
        {picture.lines.map((line) => (
          <path
            key={`${line.from}-${line.to}-${String(line.cross)}`}
            d={line.path}
            className={line.cross ? "siegel-graph-cross" : "siegel-graph-line"}
            markerEnd="url(#siegel-arrow)"
          />
        ))}
        {picture.places.map(({ node, x, y }) => {
          const status = text(node.ca, "status");
          const soon = endsSoon(node.ca);
          const word = isCaState(status) ? t(`status.${status}`) : status;
          const until = text(node.ca, "not_after") ? t("until", { date: date(i18n.language, text(node.ca, "not_after")) }) : t("noCertificate");
          return (
            <Link key={node.id} to={`/hierarchy/${node.id}`} aria-label={`${text(node.ca, "name")}, ${word}, ${until}`} className="siegel-graph-node">
              <title>{text(node.ca, "subject")}</title>
              <rect x={x} y={y} width={BOX.width} height={BOX.height} rx="8" className={`siegel-graph-box siegel-graph-${isCaState(status) ? status : "retired"}`} />
              <rect x={x} y={y} width="6" height={BOX.height} rx="3" className={`siegel-graph-edge siegel-graph-${isCaState(status) ? status : "retired"}`} />
              <text x={x + 18} y={y + 26} className="siegel-graph-name">
                {cut(text(node.ca, "name"), node.ca.attributes.is_default === true ? 18 : 22)}
                {node.ca.attributes.is_default === true ? " ★" : ""}
              </text>
              <text x={x + 18} y={y + 46} className={soon ? "siegel-graph-soon" : "siegel-graph-text"}>
                {cut(`${word} · ${until}`, 32)}
              </text>
            </Link>
          );
        })}
      </svg>
    </div>
  );
}

function TreeTable({ trees, names }: { trees: Node[]; names: Map<string, string> }) {
  const { t, i18n } = useTranslation("hierarchy");
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const rows = rowsOf(trees, folded);
  const siblings = (node: Node) => rowsOf(trees).find((one) => one.children.includes(node))?.children ?? trees;
  const fold = (id: string) => {
    const next = new Set(folded);
    if (!next.delete(id)) {
      next.add(id);
    }
    setFolded(next);
  };
  return (
    <Table aria-label={t("table")} variant="compact" isTreeTable gridBreakPoint="grid-lg">
      <Thead>
        <Tr>
          <Th>{t("name")}</Th>
          <Th>{t("state")}</Th>
          <Th>{t("issuer")}</Th>
          <Th>{t("key")}</Th>
          <Th>{t("generation")}</Th>
          <Th>{t("notAfter")}</Th>
        </Tr>
      </Thead>
      <Tbody>
        {rows.map((node, i) => (
          <Tr key={node.id} aria-level={node.level + 1}>
            <Td
              dataLabel={t("name")}
              treeRow={{
                onCollapse: () => fold(node.id),
                rowIndex: i,
                props: {
                  isExpanded: !folded.has(node.id),
                  "aria-level": node.level + 1,
                  "aria-posinset": siblings(node).indexOf(node) + 1,
                  "aria-setsize": node.children.length,
                  toggleAriaLabel: t("fold", { name: text(node.ca, "name") }),
                },
              }}
            >
              <Link to={`/hierarchy/${node.id}`}>{text(node.ca, "name")}</Link>
              {node.ca.attributes.is_default === true && (
                <Label isCompact color="green" className="siegel-after">
                  {t("default")}
                </Label>
              )}
            </Td>
            <Td dataLabel={t("state")}>
              <CaStatus ca={node.ca} />
            </Td>
            <Td dataLabel={t("issuer")}>
              {names.get(related(node.ca, "parent") ?? "") ?? (node.ca.attributes.external === true ? t("elsewhere") : t("itself"))}
            </Td>
            <Td dataLabel={t("key")}>{keyTypeTitle(text(node.ca, "key_type"))}</Td>
            <Td dataLabel={t("generation")}>{number(node.ca, "generation")}</Td>
            <Td dataLabel={t("notAfter")}>
              {date(i18n.language, text(node.ca, "not_after"))}
              {endsSoon(node.ca) && (
                <Label isCompact status="warning" className="siegel-after">
                  {t("soon")}
                </Label>
              )}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

export default function Hierarchy() {
  const { t } = useTranslation("hierarchy");
  const may = useMay();
  const cas = useAll("/cas");
  const certificates = useAll("/ca_certificates?filter[kind]=cross");
  const list = cas.data ?? [];
  const trees = treesOf(list);
  const crosses = (certificates.data ?? []).flatMap((one) => {
    const signer = related(one, "signer");
    const subject = related(one, "ca");
    return signer && subject ? [{ signer, subject }] : [];
  });
  const create = may("cas.manage") && <Button component={(props: object) => <Link {...props} to="/hierarchy/new" />}>{t("new")}</Button>;
  return (
    <>
      <Title title={t("title")} subtitle={t("subtitle")} actions={create} />
      <PageSection>
        <ErrorAlert error={cas.error ?? certificates.error} />
        {cas.isPending && <Skeleton height="20rem" screenreaderText={t("loading")} />}
        {cas.data && list.length === 0 && <NoCa />}
        {list.length > 0 && (
          <Stack hasGutter>
            <StackItem>
              <Card>
                <CardTitle component="h2">{t("picture")}</CardTitle>
                <CardBody>
                  <Graph trees={trees} crosses={crosses} />
                  {crosses.length > 0 && <p className="siegel-legend">{t("legend")}</p>}
                </CardBody>
              </Card>
            </StackItem>
            <StackItem>
              <Card>
                <CardTitle component="h2">{t("table")}</CardTitle>
                <CardBody>
                  <TreeTable trees={trees} names={new Map(list.map((ca) => [ca.id, text(ca, "name")]))} />
                </CardBody>
              </Card>
            </StackItem>
          </Stack>
        )}
      </PageSection>
    </>
  );
}
