// The one layer between screens and the API: a function for each thing that is done with resources, told by their address. Nothing else sends requests, but
// for signing in (session.ts), whose steps are told apart by their types.
import { cursorOf } from "../format";
import { ApiError, api } from "./client";
import type { ResourceName } from "./resources.gen";

/** An address begins with a resource that there is. */
export type Path = `/${ResourceName}` | `/${ResourceName}/${string}` | `/${ResourceName}?${string}`;
export type Query = Readonly<Record<string, string | number | null | undefined>>;

/** A JSON:API resource object. Where the schema knows more of it the caller says its type. */
export interface Item<A = Record<string, unknown>> {
  id: string;
  type: string;
  attributes: A;
  relationships?: Record<string, { data?: { id: string; type: string } | null } | undefined>;
}

/** A part of a list; next: the cursor of the next part, null behind the last one. */
export interface Page<T = Item> {
  data: T[];
  next: string | null;
  included: Item[];
  /** How far a long list was looked through, in what it is sorted by. */
  reach?: Reach | undefined;
}

export interface Reach {
  looked_by?: string;
  looked_to?: string;
}

export interface Single<T = Item> {
  data: T;
  etag: string | null;
  included: Item[];
}

interface Body {
  data?: unknown;
  links?: { next?: string | null };
  meta?: Reach;
  included?: Item[];
}
interface Init {
  body?: unknown;
  headers?: Record<string, string>;
  bodySerializer?: (body: unknown) => BodyInit;
}
type Method = "GET" | "POST" | "PATCH" | "DELETE";
type Asking = (path: string, init: Init) => Promise<{ data?: Body; response: Response }>;

/** The one cast: addresses are put together here, which the types of the API's own paths can't know. */
async function ask(method: Method, path: string, init: Init = {}): Promise<{ body: Body; response: Response }> {
  const asking = (api as unknown as Record<Method, Asking>)[method];
  const answer = await asking(path, init);
  return { body: answer.data ?? {}, response: answer.response };
}

const empty = (): ApiError => new ApiError(0, [{ detail: "the answer has no data" }], null);

/** The address with what is asked of it; what is empty isn't in it. */
export function addressOf(path: Path, query: Query = {}): Path {
  const filled = Object.entries(query).filter((one): one is [string, string | number] => one[1] !== null && one[1] !== undefined && one[1] !== "");
  const asked = new URLSearchParams(filled.map(([name, value]) => [name, String(value)])).toString();
  return asked ? (`${path}${path.includes("?") ? "&" : "?"}${asked}` as Path) : path;
}

/** A part of a list; of a list that takes no pages, all of it. */
export async function page<T = Item>(path: Path, query?: Query): Promise<Page<T>> {
  const { body } = await ask("GET", addressOf(path, query));
  if (!Array.isArray(body.data)) {
    throw empty();
  }
  return { data: body.data as T[], next: cursorOf(body.links?.next), included: body.included ?? [], reach: body.meta };
}

/** All of a list, to its end, part by part: of what a tenant has few. */
export async function list<T = Item>(path: Path, query?: Query): Promise<T[]> {
  let found: T[] = [];
  let after: string | null = null;
  do {
    const part: Page<T> = await page<T>(path, { ...query, "page[size]": 500, "page[after]": after });
    found = found.concat(part.data);
    after = part.next;
  } while (after);
  return found;
}

/** One of them, with what a change of it rests on. */
export async function single<T = Item>(path: Path, query?: Query): Promise<Single<T>> {
  const { body, response } = await ask("GET", addressOf(path, query));
  if (!body.data || Array.isArray(body.data)) {
    throw empty();
  }
  return { data: body.data as T, etag: response.headers.get("ETag"), included: body.included ?? [] };
}

export async function one<T = Item>(path: Path, query?: Query): Promise<T> {
  return (await single<T>(path, query)).data;
}

/** What became of a change: done, with what it says; or it waits for an approval, or a job does it. */
export interface Outcome<T = Item> {
  item: T | null;
  approval: string | null;
  job: string | null;
}

export interface Wish {
  method?: "POST" | "PATCH" | "DELETE";
  path: Path;
  query?: Query;
  /** Of a document of its own; none: it takes no document. */
  type?: string;
  id?: string;
  attributes?: object;
  /** A document that stands already. */
  document?: unknown;
  /** A file in place of a document. */
  file?: Blob;
  /** The ETag that the change rests on. */
  etag?: string | null;
  /** Sent again with the same key it is done once. */
  key?: string;
}

/** Whatever changes something; create, change, remove and act are its short forms. */
export async function send<T = Item>(wish: Wish): Promise<Outcome<T>> {
  const init: Init = { headers: {} };
  if (wish.file) {
    init.body = wish.file;
    init.bodySerializer = (file) => file as Blob;
    init.headers = { "Content-Type": "application/octet-stream" };
  } else if (wish.document !== undefined) {
    init.body = wish.document;
  } else if (wish.type) {
    init.body = { data: { type: wish.type, ...(wish.id ? { id: wish.id } : {}), attributes: wish.attributes ?? {} } };
  }
  init.headers = { ...init.headers, ...(wish.etag ? { "If-Match": wish.etag } : {}), ...(wish.key ? { "Idempotency-Key": wish.key } : {}) };
  const { body, response } = await ask(wish.method ?? "POST", addressOf(wish.path, wish.query), init);
  const item = body.data && !Array.isArray(body.data) ? (body.data as Item) : null;
  const later = response.status === 202 ? item : null;
  return {
    item: item as T | null,
    approval: later?.type === "approvals" ? later.id : null,
    job: later?.type === "jobs" ? later.id : null,
  };
}

/** Makes one in a list. */
export function create<T = Item>(path: Path, type: string, attributes: object, key?: string): Promise<Outcome<T>> {
  return send<T>({ path, type, attributes, key });
}

/** Changes one; what isn't said stays as it is. */
export function change<T = Item>(path: Path, item: { type: string; id: string }, attributes: object, etag?: string): Promise<Outcome<T>> {
  return send<T>({ method: "PATCH", path, type: item.type, id: item.id, attributes, etag });
}

export function remove(path: Path): Promise<Outcome> {
  return send({ method: "DELETE", path });
}

/** Does something with one, or with many. */
export function act<T = Item>(path: Path, type?: string, attributes?: object, key?: string): Promise<Outcome<T>> {
  return send<T>({ path, type, attributes, key });
}

/** What an answer has to say something of; an answer without it is a fault of ours, said as such. */
export function itemOf<T>(outcome: Outcome<T>): T {
  if (outcome.item === null) {
    throw empty();
  }
  return outcome.item;
}

export function text(item: Item | undefined, name: string): string {
  const value = item?.attributes[name];
  return typeof value === "string" ? value : value === null || value === undefined ? "" : String(value);
}

export function number(item: Item | undefined, name: string): number {
  const value = item?.attributes[name];
  return typeof value === "number" ? value : 0;
}

export function related(item: Item | undefined, name: string): string | null {
  return item?.relationships?.[name]?.data?.id ?? null;
}
