// What generated screens ask for: any resource, by its table.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { usePage, usePages } from "../api/hooks";
import { keys } from "../api/keys";
import { addressOf, type Item, type Outcome, page, type Path, type Query, send, single, type Single, type Wish } from "../api/rest";
import { auditObjectOf, includedOf, labelOf, type Operation, type ResourceName, resourceOf, type Thing } from "./model";

/** The table is made of the addresses that there are. */
function pathOf(operation: Operation, id?: string): Path {
  return operation.path.replace("{id}", encodeURIComponent(id ?? "")) as Path;
}

function listPath(name: ResourceName): Path {
  return (resourceOf(name).list?.path ?? `/${name}`) as Path;
}

/** type/id → what it is called, of what came along. */
export function labelsOf(included: Item[]): Record<string, string> {
  return Object.fromEntries(included.map((one) => [`${one.type}/${one.id}`, labelOf(one)]));
}

export function useList(name: ResourceName, query: Query) {
  return usePage<Thing>(listPath(name), query);
}

export type One = Single<Thing>;

export function useThing(name: ResourceName, id: string | undefined) {
  const resource = resourceOf(name);
  // A single view takes include as a list does.
  const included = id === undefined || !resource.sort ? [] : includedOf(name);
  const path = addressOf(pathOf(resource.one ?? { method: "GET", path: `/${name}`, right: "" }, id), { include: included.join(",") });
  return useQuery({ queryKey: [...keys.one(path), "thing"], queryFn: () => single<Thing>(path) });
}

/** What a form sends beside the operation's address. */
export type Sending = Pick<Wish, "document" | "etag" | "file" | "query"> & { id?: string };

export function carryOut(operation: Operation, { id, ...sending }: Sending): Promise<Outcome<Thing>> {
  return send<Thing>({ ...sending, method: operation.method as Wish["method"], path: pathOf(operation, id) });
}

const FOUND = 25;

/** By which attribute the server finds members; of those that it doesn't find so there are few, which come at once. */
export function foundBy(name: ResourceName): string | undefined {
  const { sort, fields } = resourceOf(name);
  return sort ? ["name", "common_name", "subject", "kid"].find((one) => fields[one]?.filter) : undefined;
}

/** Members of a resource to choose from: the first ones, or those whose name has the text. */
export function useOptions(name: ResourceName, text: string, enabled: boolean) {
  const by = foundBy(name);
  const asked = by ? text : "";
  return useQuery({
    queryKey: keys.own("options", name, asked),
    enabled,
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const query: Record<string, string> = resourceOf(name).sort ? { "page[size]": String(FOUND) } : {};
      if (by && asked) {
        query[`filter[${by}][contains]`] = asked;
      }
      const found = await page<Thing>(listPath(name), query);
      return { things: found.data, more: found.next !== null };
    },
  });
}

/** What the audit log says of it. */
export function useHistory(name: ResourceName, thing: Thing) {
  return usePages("/audit_events", { "filter[object]": auditObjectOf(name, thing) });
}
