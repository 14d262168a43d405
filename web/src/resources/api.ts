// What generated screens ask for: any resource, by its table.
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, api, renewAll } from "../api/client";
import { auditObjectOf, includedOf, labelOf, type Operation, type ResourceName, resourceOf, type Thing } from "./model";

interface Body {
  data?: Thing | Thing[];
  links?: { next?: string | null };
  included?: Thing[];
}
interface Init {
  body?: unknown;
  headers?: Record<string, string>;
  bodySerializer?: (body: unknown) => BodyInit;
}
type Ask = (path: string, init?: Init) => Promise<{ data?: Body; response: Response }>;

/** The address is made here of a table and of ids, which the types of the API's own paths can't know. */
async function ask(method: string, path: string, init?: Init): Promise<{ body: Body; response: Response }> {
  const by = api as unknown as Record<string, Ask | undefined>;
  const send = by[method];
  if (!send) {
    throw new Error(`there is no method ${method}`);
  }
  const answer = await send(path, init);
  return { body: answer.data ?? {}, response: answer.response };
}

export function pathOf(operation: Operation, id?: string): string {
  return operation.path.replace("{id}", encodeURIComponent(id ?? ""));
}

export interface Page {
  things: Thing[];
  next: string | null;
  /** type/id → what it is called, of what came along. */
  labels: Record<string, string>;
}

const labelsOf = (included: Thing[] | undefined) => Object.fromEntries((included ?? []).map((one) => [`${one.type}/${one.id}`, labelOf(one)]));

function one(body: Body): Thing {
  if (!body.data || Array.isArray(body.data)) {
    throw new ApiError(0, [{ detail: "the answer has no data" }], null);
  }
  return body.data;
}

export async function fetchPage(name: ResourceName, query: Record<string, string>): Promise<Page> {
  const path = resourceOf(name).list?.path ?? `/${name}`;
  const text = new URLSearchParams(query).toString();
  const { body } = await ask("GET", text ? `${path}?${text}` : path);
  return { things: Array.isArray(body.data) ? body.data : [], next: body.links?.next ?? null, labels: labelsOf(body.included) };
}

export function usePage(name: ResourceName, query: Record<string, string>) {
  return useQuery({ queryKey: ["r", name, "list", query], placeholderData: keepPreviousData, queryFn: () => fetchPage(name, query) });
}

export interface One {
  thing: Thing;
  etag: string | null;
  labels: Record<string, string>;
}

export async function fetchOne(name: ResourceName, id: string | undefined): Promise<One> {
  const resource = resourceOf(name);
  const included = id === undefined || !resource.sort ? [] : includedOf(name);
  const path = pathOf(resource.one ?? { method: "GET", path: `/${name}`, right: "" }, id);
  // A single view takes include as a list does.
  const { body, response } = await ask("GET", included.length > 0 ? `${path}?include=${included.join(",")}` : path);
  return { thing: one(body), etag: response.headers.get("ETag"), labels: labelsOf(body.included) };
}

export function useOne(name: ResourceName, id: string | undefined) {
  return useQuery({ queryKey: ["r", name, "one", id], queryFn: () => fetchOne(name, id) });
}

/** Everything that is on show is asked for anew. */
export function useRenew() {
  const client = useQueryClient();
  return () => renewAll(client);
}

/** What became of a request that changes something. */
export type Outcome =
  | { kind: "done"; thing: Thing | null }
  | { kind: "waits"; id: string }
  | { kind: "works"; id: string };

export interface Sending {
  id?: string;
  document?: unknown;
  /** The ETag that the change rests on. */
  etag?: string | null;
  file?: File;
  query?: Record<string, unknown>;
}

export async function carryOut(operation: Operation, sending: Sending): Promise<Outcome> {
  let path = pathOf(operation, sending.id);
  const init: Init = { headers: {} };
  if (sending.query) {
    path += `?${new URLSearchParams(Object.entries(sending.query).map(([key, value]) => [key, String(value)])).toString()}`;
  }
  if (sending.etag) {
    init.headers = { "If-Match": sending.etag };
  }
  if (sending.file) {
    init.body = sending.file;
    init.bodySerializer = (body) => body as File;
    init.headers = { ...init.headers, "Content-Type": "application/octet-stream" };
  } else if (sending.document) {
    init.body = sending.document;
  }
  const { body, response } = await ask(operation.method, path, init);
  const thing = body.data && !Array.isArray(body.data) ? body.data : null;
  if (response.status === 202 && thing) {
    return { kind: thing.type === "jobs" ? "works" : "waits", id: thing.id };
  }
  return { kind: "done", thing };
}

const FOUND = 25;

/** Members of a resource to choose from: the first ones, or those whose name has the text. */
export function useOptions(name: ResourceName, text: string, enabled: boolean) {
  const resource = resourceOf(name);
  const by = ["name", "common_name", "subject", "kid"].find((one) => resource.fields[one]?.filter);
  const searched = Boolean(resource.sort && by);
  return useQuery({
    queryKey: ["r-options", name, searched ? text : ""],
    enabled,
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const query: Record<string, string> = resource.sort ? { "page[size]": String(FOUND) } : {};
      if (searched && text && by) {
        query[`filter[${by}][contains]`] = text;
      }
      const page = await fetchPage(name, query);
      const fits = (thing: Thing) => searched || `${thing.id} ${labelOf(thing)}`.toLowerCase().includes(text.toLowerCase());
      return { things: page.things.filter(fits), more: page.next !== null };
    },
  });
}

export function useHistory(name: ResourceName, thing: Thing, allowed: boolean) {
  const object = auditObjectOf(name, thing);
  return useQuery({
    queryKey: ["r", "audit_events", "of", object],
    enabled: allowed,
    queryFn: async () => (await fetchPage("audit_events", { "filter[object]": object, "page[size]": "50" })).things,
  });
}
