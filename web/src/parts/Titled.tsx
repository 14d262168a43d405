// CAs and profiles by what people call them. Their names, which programs go by, stand beside them in the expert view, and under the pointer else.
import { useCas, useProfiles } from "../api/queries";
import { useBuiltin } from "../i18n/say";
import { useExpert } from "./view";

/** The common name of a subject as it is written by RFC 4514: "CN=Example\, Issuing,O=Example" → "Example, Issuing". */
export function commonNameOf(subject: string | undefined): string {
  const found = /(?:^|[,+]\s*)CN=((?:\\.|[^,+\\])*)/.exec(subject ?? "");
  return (found?.[1] ?? "").replace(/\\(.)/g, "$1").trim();
}

/** Titles by names; two with one title keep their names. */
export function titlesOf(all: readonly { name: string; title: string }[]): (name: string) => string {
  const found = new Map(all.map((one) => [one.name, one.title]));
  const times = (title: string) => all.filter((one) => one.title === title).length;
  return (name) => {
    const title = found.get(name);
    return title && times(title) === 1 ? title : name;
  };
}

export function useTitles(): { ca: (name: string) => string; profile: (name: string) => string } {
  const cas = useCas();
  const profiles = useProfiles();
  const say = useBuiltin();
  return {
    ca: titlesOf((cas.data ?? []).map((one) => ({ name: one.attributes?.name ?? "", title: commonNameOf(one.attributes?.subject) }))),
    profile: titlesOf((profiles.data ?? []).map((one) => ({ name: one.attributes?.name ?? "", title: say(one.attributes?.title) }))),
  };
}

export function Titled({ of, name }: { of: "ca" | "profile"; name: string | undefined }) {
  const titles = useTitles();
  const expert = useExpert();
  const title = titles[of](name ?? "");
  return expert && title !== name ? (
    <>
      {title} <small className="siegel-name">{name}</small>
    </>
  ) : (
    <span title={name}>{title}</span>
  );
}
