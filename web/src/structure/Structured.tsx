// The two views of one structured value: a form for everybody, and its text for those who know it.
import { Button, Tab, Tabs, TabTitleText, TextArea } from "@patternfly/react-core";
import { type ReactNode, useId, useState } from "react";
import type { StructureName } from "../api/structures.gen";
import { Notice } from "../parts/Notice";
import { Row } from "./Row";
import type { Structure } from "./useStructure";
import { useStructureWords } from "./words";

interface Props {
  name: StructureName;
  label: string;
  structure: Structure;
  /** What the server says of the whole. */
  fault?: string;
  rows?: number;
  children: ReactNode;
}

export function Structured({ name, label, structure, fault, rows, children }: Props) {
  const words = useStructureWords(name);
  const id = useId();
  const [tab, setTab] = useState("form");
  const wrong = structure.fault ? words.fault(structure.fault) : fault;
  return (
    <div className="siegel-structured" role="group" aria-label={label}>
      <Tabs activeKey={tab} onSelect={(_, key) => setTab(String(key))} aria-label={`${label}: ${words.t("screen.views")}`} mountOnEnter unmountOnExit>
        <Tab eventKey="form" title={<TabTitleText>{words.t("screen.form")}</TabTitleText>} aria-label={words.t("screen.form")}>
          <div className="siegel-structured-form">
            {structure.fault ? (
              <Notice
                variant="warning"
                title={words.t("screen.textFirst")}
                actionLinks={
                  <Button variant="link" isInline onClick={() => setTab("text")}>
                    {words.t("screen.toText")}
                  </Button>
                }
              >
                {wrong}
              </Notice>
            ) : (
              children
            )}
          </div>
        </Tab>
        <Tab eventKey="text" title={<TabTitleText>{words.t("screen.text")}</TabTitleText>} aria-label={words.t("screen.text")}>
          <div className="siegel-structured-form">
            <Row id={id} label={label} help={words.t("screen.textHelp")} fault={wrong}>
              <TextArea
                id={id}
                value={structure.text}
                rows={rows ?? 18}
                resizeOrientation="vertical"
                spellCheck={false}
                className="siegel-mono"
                validated={wrong ? "error" : "default"}
                aria-describedby={`${id}-help`}
                onChange={(_, typed) => structure.setText(typed)}
              />
            </Row>
          </div>
        </Tab>
      </Tabs>
    </div>
  );
}
