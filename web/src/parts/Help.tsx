import { Content, DrawerActions, DrawerCloseButton, DrawerHead, Title as Heading } from "@patternfly/react-core";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { helpOf, targetOf } from "../help";
import { useWords } from "../resources/words";

const lines = (text: string) => text.split("\n").filter(Boolean);

/** "Term: what it is" → both. */
export function termOf(line: string): [string, string] {
  const at = line.indexOf(": ");
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 2)];
}

/** What one wants to know of a view, beside it. */
export default function Help({ path, rights, onClose }: { path: string; rights: readonly string[]; onClose: () => void }) {
  const { t } = useTranslation("help");
  const { t: word } = useTranslation();
  const heading = useRef<HTMLHeadingElement>(null);
  const help = helpOf(path);
  const topic = help?.topic ?? "resources";
  useEffect(() => {
    // It is still on its way in: scrolling there would push the page aside.
    heading.current?.focus({ preventScroll: true });
  }, []);
  const words = useWords();
  const related = (help?.related ?? []).flatMap((to) => {
    const target = targetOf(to, rights);
    const label = target?.resource ? words.resource(target.resource).title : target?.place?.nav ? word(`nav.places.${target.place.nav.key}`) : to;
    return target ? [{ to, label }] : [];
  });
  return (
    <section className="siegel-help" aria-labelledby="siegel-help-title" onKeyDown={(e) => e.key === "Escape" && onClose()}>
      <DrawerHead>
        <Heading headingLevel="h2" id="siegel-help-title" ref={heading} tabIndex={-1}>
          {t(`topics.${topic}.title`)}
        </Heading>
        <DrawerActions>
          <DrawerCloseButton onClose={onClose} aria-label={t("close")} />
        </DrawerActions>
      </DrawerHead>
      <div className="siegel-help-body">
        <Content component="p">{t(`topics.${topic}.what`)}</Content>
        <Heading headingLevel="h3">{t("first")}</Heading>
        <ol className="siegel-help-steps">
          {lines(t(`topics.${topic}.first`)).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ol>
        <Heading headingLevel="h3">{t("terms")}</Heading>
        <dl className="siegel-help-terms">
          {lines(t(`topics.${topic}.terms`)).map((line) => (
            <div key={line}>
              <dt>{termOf(line)[0]}</dt>
              <dd>{termOf(line)[1]}</dd>
            </div>
          ))}
        </dl>
        {related.length > 0 && (
          <>
            <Heading headingLevel="h3">{t("related")}</Heading>
            <ul className="siegel-help-steps">
              {related.map(({ to, label }) => (
                <li key={to}>
                  <Link to={to}>{label}</Link>
                </li>
              ))}
            </ul>
          </>
        )}
        <Heading headingLevel="h3">{t("keys")}</Heading>
        <dl className="siegel-help-terms">
          {lines(t("keyList")).map((line) => (
            <div key={line}>
              <dt>
                <kbd>{termOf(line)[0]}</kbd>
              </dt>
              <dd>{termOf(line)[1]}</dd>
            </div>
          ))}
        </dl>
      </div>
    </section>
  );
}
