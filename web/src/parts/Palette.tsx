import { ModalBody, TextInputGroup, TextInputGroupMain } from "@patternfly/react-core";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { keys } from "../api/keys";
import { type Certificate, useCas, useProfiles } from "../api/queries";
import { page } from "../api/rest";
import { date, octets, stateOf } from "../format";
import { LANGUAGES, chooseLanguage } from "../i18n";
import { useBuiltin } from "../i18n/say";
import { type Command, fitting, grouped, serialOf } from "../palette";
import { offered, PLACES } from "../places";
import { membersOf, screenOf, visible } from "../resources/model";
import { useWords } from "../resources/words";
import { toggleTheme, useDark } from "../theme";
import { useLeave } from "./leave";
import { Modal } from "./Modal";

const MOST = 6;

/** The resources that are found by their generated lists: those that no screen is about. */
const SHOWN = new Set(PLACES.filter((place) => place.nav).map((place) => place.resources?.[0]));
const LISTS = (["authority", "enrolment", "people", "store", "operation"] as const).flatMap(membersOf).filter((name) => screenOf(name) !== "program" && !SHOWN.has(name));

/** Certificates by a part of their name, or by their serial number. */
function useFound(typed: string, allowed: boolean) {
  const serial = serialOf(typed);
  const text = typed.trim();
  return useQuery({
    queryKey: keys.own("palette", serial ?? text),
    enabled: allowed && text.length >= 2,
    staleTime: 5_000,
    queryFn: async () => {
      const filter: Record<string, string> = serial ? { "filter[serial]": serial } : { "filter[common_name][contains]": text };
      return (await page<Certificate>("/certificates", { ...filter, "page[size]": MOST })).data;
    },
  });
}

/** All that may be done and gone to from here with these rights. */
function useCommands(typed: string, rights: readonly string[], onHelp: () => void): { commands: Command[]; pending: boolean } {
  const { t } = useTranslation("palette");
  const { t: word, i18n } = useTranslation();
  const say = useBuiltin();
  const words = useWords();
  const dark = useDark();
  const leave = useLeave();
  const navigate = useNavigate();
  const reads = rights.includes("read");
  const found = useFound(typed, reads);
  const cas = useCas(reads);
  const profiles = useProfiles(reads);
  const go = (to: string) => () => void navigate(to);
  const named = (kind: "ca" | "profile", name: string, title: string): Command => ({
    id: `${kind}-${name}`, kind, text: t(kind, { name: title || name }), also: name,
    run: go(`/certificates?${kind === "ca" ? "issuer" : "profile"}=${encodeURIComponent(name)}`),
  });
  const places: Command[] = offered(rights, true).flatMap((place) =>
    place.nav ? [{ id: place.path, kind: "place", text: word(`nav.places.${place.nav.key}`), also: place.path, run: go(place.path) }] : [],
  );
  const actions: Command[] = [
    { id: "theme", kind: "action", text: word("app.theme", { theme: word(dark ? "app.light" : "app.dark") }), also: t("themeAlso"), run: toggleTheme },
    ...LANGUAGES.filter((one) => one !== i18n.language).map(
      (one): Command => ({ id: `language-${one}`, kind: "action", text: t(`language.${one}`), also: t("languageAlso"), run: () => chooseLanguage(one) }),
    ),
    { id: "help", kind: "action", text: t("help"), run: onHelp },
    { id: "leave", kind: "action", text: word("app.signOut"), also: t("leaveAlso"), run: leave },
  ];
  const text = typed.trim();
  const things: Command[] = text
    ? [
        ...LISTS.filter((name) => visible(name, rights)).map((name): Command => ({ id: `/r/${name}`, kind: "place", text: words.resource(name).title, also: name, run: go(`/r/${name}`) })),
        ...(cas.data ?? []).map((one) => named("ca", one.attributes?.name ?? "", "")),
        ...(profiles.data ?? []).map((one) => named("profile", one.attributes?.name ?? "", say(one.attributes?.title))),
      ]
    : [];
  const limited = grouped(fitting(text, [...places, ...actions, ...things])).flatMap((group) =>
    group.kind === "place" || group.kind === "action" ? group.commands : group.commands.slice(0, MOST),
  );
  const certificates: Command[] = (text.length >= 2 ? (found.data ?? []) : []).map((one) => ({
    id: `certificate-${one.id}`, kind: "certificate", text: one.attributes?.common_name || one.attributes?.subject || octets(one.attributes?.serial),
    detail: `${word(`status.${stateOf(one.attributes ?? {})}`)}, ${word("certificate.until", { date: date(i18n.language, one.attributes?.not_after) })}`,
    run: go(`/certificates/${one.id}`),
  }));
  return { commands: [...limited, ...certificates], pending: found.isFetching };
}

/** Goes anywhere and does what is done often, by a few letters: a combobox with its list (WAI-ARIA Authoring Practices, "List autocomplete"). */
export default function Palette({ rights, onClose, onHelp }: { rights: readonly string[]; onClose: () => void; onHelp: () => void }) {
  const { t } = useTranslation("palette");
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState<string | null>(null); // by its id: what comes later from the server moves its place
  const { commands, pending } = useCommands(useDeferredValue(typed), rights, onHelp);
  const list = useRef<HTMLDivElement>(null);
  const groups = grouped(commands);
  const flat = groups.flatMap((group) => group.commands);
  const at = Math.max(
    0,
    flat.findIndex((command) => command.id === chosen),
  );
  const active = flat[at];
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [active?.id]);
  const run = (command: Command | undefined) => {
    if (command) {
      onClose();
      command.run();
    }
  };
  const key = (event: React.KeyboardEvent) => {
    const to: Record<string, number> = { ArrowDown: (at + 1) % flat.length, ArrowUp: (at + flat.length - 1) % flat.length, PageDown: flat.length - 1, PageUp: 0 };
    const next = to[event.key];
    if (event.key === "Enter") {
      event.preventDefault();
      run(active);
    } else if (next !== undefined && flat.length > 0) {
      event.preventDefault();
      setChosen(flat[next]?.id ?? null);
    }
  };
  const option = (command: Command) => (
    <div
      key={command.id}
      id={`palette-${command.id}`}
      role="option"
      aria-selected={command === active}
      className="siegel-palette-option"
      onMouseMove={() => setChosen(command.id)}
      onClick={() => run(command)}
    >
      {command.text}
      {command.detail && <small> {command.detail}</small>}
    </div>
  );
  return (
    <Modal isOpen variant="small" position="top" onClose={onClose} aria-label={t("title")} className="siegel-palette">
      <ModalBody>
        <TextInputGroup>
          <TextInputGroupMain
            icon={<SearchIcon />}
            value={typed}
            placeholder={t("placeholder")}
            aria-label={t("title")}
            role="combobox"
            isExpanded
            aria-controls="siegel-palette-list"
            aria-activedescendant={active ? `palette-${active.id}` : undefined}
            inputProps={{ autoFocus: true, autoComplete: "off", spellCheck: false, "aria-autocomplete": "list" }}
            onKeyDown={key}
            onChange={(_, value) => {
              setTyped(value);
              setChosen(null);
            }}
          />
        </TextInputGroup>
        <div ref={list} id="siegel-palette-list" role="listbox" aria-label={t("found")} className="siegel-palette-list" tabIndex={-1}>
          {groups.map((group) => (
            <div key={group.kind} role="group" aria-labelledby={`palette-group-${group.kind}`}>
              <div id={`palette-group-${group.kind}`} className="siegel-palette-group" role="presentation">
                {t(`kinds.${group.kind}`)}
              </div>
              {group.commands.map(option)}
            </div>
          ))}
        </div>
        <p className="siegel-palette-state" role="status">
          {flat.length > 0 ? t("count", { count: flat.length }) : t(pending ? "searching" : "none")}
        </p>
      </ModalBody>
    </Modal>
  );
}
