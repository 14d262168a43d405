// What one wants to know of a view, beside it: the drawer of the console's help and of the portal's.
import { Content, DrawerActions, DrawerCloseButton, DrawerHead, Title as Heading } from "@patternfly/react-core";
import { useEffect, useRef } from "react";
import { Link } from "react-router";

const lines = (text: string) => text.split("\n").filter(Boolean);

/** "Term: what it is" → both. */
export function termOf(line: string): [string, string] {
  const at = line.indexOf(": ");
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 2)];
}

export interface HelpTopic {
  title: string;
  what: string;
  /** What to do first, a step on each line. */
  first: string;
  /** "Term: what it is" on each line. */
  terms: string;
}

interface Props {
  topic: HelpTopic;
  names: { close: string; first: string; terms: string; related: string; keys: string; keyList: string };
  related: { to: string; label: string }[];
  onClose: () => void;
}

function Terms({ text, keys }: { text: string; keys?: boolean }) {
  return (
    <dl className="siegel-help-terms">
      {lines(text).map((line) => (
        <div key={line}>
          <dt>{keys ? <kbd>{termOf(line)[0]}</kbd> : termOf(line)[0]}</dt>
          <dd>{termOf(line)[1]}</dd>
        </div>
      ))}
    </dl>
  );
}

export function HelpDrawer({ topic, names, related, onClose }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // It is still on its way in: scrolling there would push the page aside.
    heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <section className="siegel-help" aria-labelledby="siegel-help-title" onKeyDown={(e) => e.key === "Escape" && onClose()}>
      <DrawerHead>
        <Heading headingLevel="h2" id="siegel-help-title" ref={heading} tabIndex={-1}>
          {topic.title}
        </Heading>
        <DrawerActions>
          <DrawerCloseButton onClose={onClose} aria-label={names.close} />
        </DrawerActions>
      </DrawerHead>
      <div className="siegel-help-body">
        <Content component="p">{topic.what}</Content>
        <Heading headingLevel="h3">{names.first}</Heading>
        <ol className="siegel-help-steps">
          {lines(topic.first).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ol>
        <Heading headingLevel="h3">{names.terms}</Heading>
        <Terms text={topic.terms} />
        {related.length > 0 && (
          <>
            <Heading headingLevel="h3">{names.related}</Heading>
            <ul className="siegel-help-steps">
              {related.map(({ to, label }) => (
                <li key={to}>
                  <Link to={to}>{label}</Link>
                </li>
              ))}
            </ul>
          </>
        )}
        <Heading headingLevel="h3">{names.keys}</Heading>
        <Terms text={names.keyList} keys />
      </div>
    </section>
  );
}
