// What the audit log and approvals write for programs, for people: actions in words, who did it, what it was done to.
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { octets } from "../format";
import { addressOf, type ResourceName, resourceOfAudited } from "../resources/model";
import { useWords } from "../resources/words";

/** "rest:anna" → "anna"; another way in is said behind the name: "est:CN=device7" → "CN=device7 (EST)". */
export function whoOf(actor: string): string {
  const found = /^(rest|est|scep|acme|cmp):(.+)$/s.exec(actor);
  return !found ? actor : found[1] === "rest" ? (found[2] ?? "") : `${found[2] ?? ""} (${(found[1] ?? "").toUpperCase()})`;
}

/** An object of the log: "certificate/17" → its resource and id; null where it has no page. */
export function audited(object: string): { resource: ResourceName; id: string; rest: string } | null {
  const found = /^([a-z_]+)\/([0-9]+)(\/.*)?$/s.exec(object);
  const resource = found ? resourceOfAudited(found[1] ?? "") : null;
  return found && resource && found[2] !== "0" ? { resource, id: found[2] ?? "", rest: found[3] ?? "" } : null;
}

/** The words of actions; codes: all that there are, in the order of their words. */
export function useActionWords(): { said: (action: string) => string; choices: { value: string; label: string }[] } {
  const { i18n } = useTranslation("actions");
  const words = i18n.getResourceBundle(i18n.language, "actions") as Record<string, string>;
  const choices = Object.entries(words).map(([value, label]) => ({ value, label }));
  choices.sort((a, b) => a.label.localeCompare(b.label, i18n.language));
  return { said: (action) => words[action] ?? action, choices };
}

/** What something was done to, as a link to its screen where it has one. */
export function AuditedObject({ object, said = (text) => text }: { object: string; said?: (text: string) => string }) {
  const words = useWords();
  const found = audited(object);
  const serial = /^ca\/[0-9]+\/serial\/([0-9a-f]+)$/.exec(object)?.[1];
  return (
    <span className="siegel-wrap">
      {serial ? (
        <Link to={`/certificates?serial=${serial}`}>
          {words.resource("certificates").one} {octets(serial)}
        </Link>
      ) : found ? (
        <>
          <Link to={addressOf(found.resource, found.id)}>
            {words.resource(found.resource).one} {found.id}
          </Link>
          {found.rest}
        </>
      ) : (
        said(object)
      )}
    </span>
  );
}
