// Any value of the API, readable: by its kind, in the words and numbers of the language.
import { DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm, Label, LabelGroup, Skeleton } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { createContext, type ReactNode, Suspense, useContext } from "react";
import { Link } from "react-router";
import type { StructureName } from "../api/structures.gen";
import { octets } from "../format";
import { useBuiltin } from "../i18n/say";
import { worded } from "../i18n/worded";
import { AuditedObject, useActionWords } from "../parts/audited";
import { Code } from "../parts/Code";
import { addressOf, type Field, isResource, resourceOf, type ResourceName, type Thing } from "./model";
import { useWords } from "./words";

// Its tables are large, and few pages show one.
const Shown = worded(() => import("../structure/Shown"), "inventory", "structures");
const Columns = worded(() => import("../structure/SearchColumns"), "inventory", "structures");
/** Structures whose pages have words; others are shown by the names that they have. */
const READABLE: readonly string[] = ["acme_directory_profiles", "acme_directory_settings", "est_label_settings", "scep_profile_settings", "saved_query"];

const GOOD = ["active", "issued", "valid", "good", "done", "approved", "ok"];
const BAD = ["revoked", "failed", "rejected", "invalid"];
const MIND = ["held", "expired", "disabled", "offline", "withdrawn", "cancelled", "superseded", "retired", "deactivated"];

/** One of few values, with the colour that such states have everywhere. */
export function ValueLabel({ value, text }: { value: string; text: string }) {
  const status = GOOD.includes(value) ? "success" : BAD.includes(value) ? "danger" : MIND.includes(value) ? "warning" : undefined;
  return status ? <Label status={status}>{text}</Label> : <Label color="blue">{text}</Label>;
}

const isScalar = (value: unknown) => value === null || typeof value !== "object";

/** The names that all of a list's members have, when they are rows of a table; else none. */
export function columnsOfRows(list: unknown[]): string[] {
  const first = list[0];
  if (list.length < 2 || isScalar(first) || Array.isArray(first)) {
    return [];
  }
  const names = Object.keys(first as object);
  const same = (one: unknown) =>
    !isScalar(one) && !Array.isArray(one) && Object.keys(one as object).join() === names.join() && Object.values(one as object).every(isScalar);
  return names.length <= 8 && list.every(same) ? names : [];
}

/** Of figures the names have words: the resource that they are of. What somebody wrote (rules, definitions) keeps its own. */
const Figures = createContext<ResourceName | null>(null);

function useNames(): (name: string) => string {
  const words = useWords();
  const figures = useContext(Figures);
  return (name) => (figures ? words.attribute(figures, name === "total" ? "count" : name) : name);
}

function Rows({ list, names }: { list: Record<string, unknown>[]; names: string[] }) {
  const said = useNames();
  return (
    <Table variant="compact" borders={false} gridBreakPoint="grid-md" aria-label={names.map(said).join(", ")}>
      <Thead>
        <Tr>
          {names.map((name) => (
            <Th key={name}>{said(name)}</Th>
          ))}
        </Tr>
      </Thead>
      <Tbody>
        {list.map((one, i) => (
          <Tr key={i}>
            {names.map((name) => (
              <Td key={name} dataLabel={said(name)}>
                <Json value={one[name]} name={name} />
              </Td>
            ))}
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

/** JSON as what it is: names with values, lists, rows of a table, texts. */
export function Json({ value, depth = 0, name = "" }: { value: unknown; depth?: number; name?: string }): ReactNode {
  const { t, count, value: said, date, instant } = useWords();
  const figures = useContext(Figures);
  const named = useNames();
  if (value === null || value === undefined || value === "") {
    return "–";
  }
  if (typeof value === "boolean") {
    return t(value ? "screen.yes" : "screen.no");
  }
  if (typeof value === "number") {
    return count(value);
  }
  if (Array.isArray(value)) {
    if (value.length === 0) {
      return "–";
    }
    const names = columnsOfRows(value);
    if (names.length > 0) {
      return <Rows list={value as Record<string, unknown>[]} names={names} />;
    }
    const plain = value.every(isScalar);
    return (
      <ul className={plain ? "siegel-plain" : "siegel-items"}>
        {value.map((one, i) => (
          <li key={i}>
            <Json value={one} depth={depth + 1} />
          </li>
        ))}
      </ul>
    );
  }
  if (typeof value === "object") {
    const entries = Object.entries(value);
    return entries.length === 0 ? (
      "–"
    ) : (
      <dl className="siegel-json">
        {entries.map(([key, one]) => (
          <div key={key}>
            <dt>{named(key)}</dt>
            <dd>
              <Json value={one} depth={depth + 1} name={key} />
            </dd>
          </div>
        ))}
      </dl>
    );
  }
  if (figures) {
    const text = String(value);
    return <span className="siegel-wrap">{/^\d{4}-\d\d-\d\d$/.test(text) ? date(text) : /^\d{4}-\d\d-\d\dT/.test(text) ? instant(text) : said(figures, name, text)}</span>;
  }
  return <span className={depth > 0 && String(value).includes(" ") ? "siegel-wrap siegel-line" : "siegel-wrap"}>{String(value)}</span>;
}

/** JSON in one line, for a table: "kind: import, done: 3". */
export function inBrief(value: unknown): string {
  if (isScalar(value)) {
    return value === null ? "–" : String(value);
  }
  const entries = Object.entries(value as object);
  return entries.map(([key, one]) => (Array.isArray(value) ? inBrief(one) : `${key}: ${isScalar(one) ? inBrief(one) : "…"}`)).join(", ");
}

interface Shown {
  resource: ResourceName;
  name: string;
  field: Field;
  value: unknown;
  /** In a table there is little room. */
  short?: boolean;
}

function texts({ resource, name, field, value, short }: Shown, words: ReturnType<typeof useWords>): ReactNode {
  const list = Array.isArray(value) ? value.map(String) : [];
  if (list.length === 0) {
    return "–";
  }
  const text = (one: string) => (field.of === "rights" ? words.right(one) : field.values ? words.value(resource, name, one) : one);
  return short ? (
    <span className="siegel-wrap">{list.slice(0, 3).map(text).join(", ") + (list.length > 3 ? " …" : "")}</span>
  ) : (
    <LabelGroup numLabels={20} categoryName={undefined} aria-label={words.attribute(resource, name)}>
      {list.map((one) => (
        <Label key={one} variant="outline" textMaxWidth="40ch">
          {text(one)}
        </Label>
      ))}
    </LabelGroup>
  );
}

function figuresOf(resource: ResourceName, value: unknown): ReactNode {
  const json = <Json value={value} />;
  return resource === "statistics" || resource === "machine" ? <Figures.Provider value={resource}>{json}</Figures.Provider> : json;
}

/** Titles that come with the product are said in the language. */
function Builtin({ text, of }: { text: string; of?: "builtin" | "options" }) {
  return <span className="siegel-wrap">{useBuiltin(of)(text)}</span>;
}

function Action({ code }: { code: string }) {
  const { said } = useActionWords();
  return <span title={code}>{said(code)}</span>;
}
const BUILTIN: readonly string[] = ["roles", "profiles", "profile_templates", "policy_templates", "rights"];

export function Value(props: Shown): ReactNode {
  const { resource, name, field, value, short } = props;
  const words = useWords();
  if (resource === "saved_queries" && name === "columns" && Array.isArray(value) && !short) {
    return <Suspense fallback={<Skeleton />}><Columns names={value.map(String)} /></Suspense>;
  }
  if (field.kind === "texts") {
    return texts(props, words);
  }
  if (value === null || value === undefined || value === "") {
    return "–";
  }
  switch (field.kind) {
    case "bool":
      return words.t(value === true ? "screen.yes" : "screen.no");
    case "int":
      return name.endsWith("_us") || name === "object" ? String(value) : words.count(Number(value));
    case "time":
      return words.instant(String(value));
    case "hex":
      return short ? octets(String(value)).slice(0, 23) : <span className="siegel-mono">{octets(String(value))}</span>;
    case "map":
      return short ? (
        <span className="siegel-wrap">
          {Object.entries(value as object)
            .map(([key, text]) => `${key}: ${String(text)}`)
            .join(", ")}
        </span>
      ) : (
        <Json value={value} />
      );
    case "json":
      if (short) {
        return <span className="siegel-wrap">{inBrief(value)}</span>;
      }
      return field.schema && READABLE.includes(field.schema) ? <Structure name={field.schema} value={value} /> : name === "commands" ? <Commands value={value} /> : figuresOf(resource, value);
    case "lines":
      return short ? "…" : <Code label={words.attribute(resource, name)} text={String(value)} file={`${resource}-${name}.${field.kind === "lines" ? "pem" : "txt"}`} />;
    default:
      break;
  }
  const text = String(value);
  if (field.values) {
    return <ValueLabel value={text} text={words.value(resource, name, text)} />;
  }
  if (!short && text.includes("\n")) {
    return <Code label={words.attribute(resource, name)} text={text} file={`${resource}-${name}.txt`} type="text/plain" />;
  }
  if (isResource(field.of) && field.of !== "rights") {
    return <Link to={byName(field.of, text)}>{text}</Link>;
  }
  if (resource === "settings" && name === "text") {
    return <Builtin text={text} of="options" />;
  }
  if (resource === "audit_events" && name === "action") {
    return <Action code={text} />;
  }
  if (resource === "audit_events" && name === "object") {
    return <AuditedObject object={text} />;
  }
  return BUILTIN.includes(resource) && ["title", "purpose", "description"].includes(name) ? <Builtin text={text} /> : <span className="siegel-wrap">{text}</span>;
}

/** The list with that one alone: an attribute says a name, which has no address of its own. */
function byName(of: ResourceName, text: string): string {
  const resource = resourceOf(of);
  const named = Boolean(resource.fields.name);
  return named && resource.fields.name?.filter ? `${addressOf(of)}?filter%5Bname%5D=${encodeURIComponent(text)}` : addressOf(of, text);
}

/** What its schema has words for. */
function Structure({ name, value }: { name: StructureName; value: unknown }) {
  return (
    <Suspense fallback={<Skeleton height="4rem" />}>
      <Shown name={name} value={value} />
    </Suspense>
  );
}

/** Ready command lines, each to be copied. */
function Commands({ value }: { value: unknown }) {
  const lines = Object.entries((value ?? {}) as Record<string, string | null>).filter((one): one is [string, string] => typeof one[1] === "string");
  return (
    <DescriptionList isCompact>
      {lines.map(([key, text]) => (
        <DescriptionListGroup key={key}>
          <DescriptionListTerm>{key}</DescriptionListTerm>
          <DescriptionListDescription>
            <Code label={key} text={text} file={`${key}.txt`} type="text/plain" />
          </DescriptionListDescription>
        </DescriptionListGroup>
      ))}
    </DescriptionList>
  );
}

/** The other end of a relationship, by its name where that came along. */
export function Other({ thing, name, labels }: { thing: Thing; name: string; labels: Record<string, string> }): ReactNode {
  const other = thing.relationships?.[name]?.data;
  if (!other) {
    return "–";
  }
  return <Link to={addressOf(other.type, other.id)}>{labels[`${other.type}/${other.id}`] ?? `${other.id}`}</Link>;
}
