// Certificates: searched, one with its history, changed singly and by the thousand; queries that are kept, and the export.
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { ApiError, errorOf } from "./client";
import { keys, useRenew } from "./keys";
import type { Certificate } from "./queries";
import { act, addressOf, change, create, type Item, itemOf, list, one, type Outcome, page, type Query, remove } from "./rest";

export function useCertificates(query: Query) {
  const path = addressOf("/certificates", query);
  return useQuery({ queryKey: keys.page(path), placeholderData: keepPreviousData, queryFn: () => page<Certificate>(path) });
}

export function useCertificate(id: string) {
  const path = `/certificates/${id}` as const;
  return useQuery({ queryKey: keys.one(path), queryFn: () => one<Certificate>(path) });
}

export interface AuditEvent {
  id: string;
  attributes: { at: string; at_us: number; actor: string; action: string };
}

export interface SavedQuery {
  id: string;
  attributes: { name: string; query: Record<string, string>; columns: string[]; shared: boolean; own: boolean; account: string; version: number };
}

export function useSavedQueries() {
  return useQuery({ queryKey: keys.list("/saved_queries"), queryFn: () => list<SavedQuery>("/saved_queries") });
}

type SavedChange =
  | { make: { name: string; query: Record<string, string>; columns: string[]; shared: boolean } }
  | { change: SavedQuery; to: Partial<SavedQuery["attributes"]> }
  | { remove: SavedQuery };

function changeSaved(c: SavedChange): Promise<Outcome> {
  if ("make" in c) {
    return create("/saved_queries", "saved_queries", c.make);
  }
  if ("change" in c) {
    return change(`/saved_queries/${c.change.id}`, { type: "saved_queries", id: c.change.id }, c.to, `"${c.change.attributes.version}"`);
  }
  return remove(`/saved_queries/${c.remove.id}`);
}

/** Also after a fault they are asked for anew: somebody else may have changed them. */
export function useChangeSaved(onDone?: () => void) {
  const renew = useRenew();
  return useMutation({ mutationFn: changeSaved, onSettled: () => renew(), onSuccess: () => onDone?.() });
}

/** Certificates by their ids, by what the list was asked for, or those that a job counted. */
export type Which = { ids: string[] } | { filter: Record<string, unknown> } | { counted: string };

export interface Preview {
  count: number;
  refused: number;
  /** Of how many of them the policies were asked about. */
  judged: number;
  sample: { id: string; subject: string; not_after: string }[];
}

/** What is done to many: the address of the operation, and its members but for which. */
export interface Deed {
  path: "revoke" | "update" | "advise_renewal";
  members: Record<string, unknown>;
}

/** Of which a dry run says at most what policies stand against. */
export const JUDGED = 2000;

/** How many it would be, and the first of them; nothing is changed. */
export async function preview(which: Which, deed: Deed): Promise<Preview> {
  const path = deed.path === "revoke" ? "choose" : deed.path;
  const members = deed.path === "revoke" ? deed.members : { ...deed.members, dry_run: true };
  const found = itemOf(await act<Item<Preview>>(`/certificates/${path}`, path, { ...which, ...members })).attributes;
  return { ...found, refused: found.refused ?? 0, judged: JUDGED };
}

/** The job that does it, or the approval that it waits for. */
export function carryOut(which: Which, deed: Deed, expected: number): Promise<Outcome> {
  return act(`/certificates/${deed.path}`, deed.path, { ...which, ...deed.members, expected });
}

/** Whether the export would be let in; the browser fetches it itself then, so that it needn't fit into memory. */
export async function checkExport(address: string): Promise<void> {
  const response = await fetch(address, { method: "HEAD", credentials: "same-origin", cache: "no-store" });
  if (!response.ok) {
    throw response.status === 429 ? new ApiError(429, [{ code: "too_many_requests" }], Number(response.headers.get("Retry-After")) || 30) : await errorOf(response);
  }
}
