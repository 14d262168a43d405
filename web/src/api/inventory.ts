// What the inventory asks for beside certificates: queries that are kept, and changes of many with the job that does them.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, api, dataOf, errorOf, renewAll } from "./client";

export interface SavedQuery {
  id: string;
  attributes: { name: string; query: Record<string, string>; columns: string[]; shared: boolean; own: boolean; account: string; version: number };
}

export interface Job {
  id: string;
  type: string;
  attributes: { kind: string; status: string; total: number | null; done: number; failed: number; error: string | null };
}

export interface JobItem {
  id: string;
  attributes: { status: string; object: string; detail: string };
}

type Answer<T> = Promise<{ data?: { data?: T }; response: Response }>;
type Call = <T>(path: string, init?: { body?: unknown; headers?: Record<string, string> }) => Answer<T>;
const get = api.GET as unknown as Call;
const post = api.POST as unknown as Call;
const patch = api.PATCH as unknown as Call;
const remove = api.DELETE as unknown as Call;

export function useSavedQueries() {
  return useQuery({ queryKey: ["saved_queries"], queryFn: async () => dataOf<SavedQuery[]>(await get("/saved_queries?page[size]=500")) });
}

export type SavedChange =
  | { make: { name: string; query: Record<string, string>; columns: string[]; shared: boolean } }
  | { change: SavedQuery; to: Partial<SavedQuery["attributes"]> }
  | { remove: SavedQuery };

export function useChangeSaved(onDone?: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (c: SavedChange) => {
      if ("make" in c) {
        await post("/saved_queries", { body: { data: { type: "saved_queries", attributes: c.make } } });
      } else if ("change" in c) {
        const data = { type: "saved_queries", id: c.change.id, attributes: c.to };
        await patch(`/saved_queries/${c.change.id}`, { body: { data }, headers: { "If-Match": `"${c.change.attributes.version}"` } });
      } else {
        await remove(`/saved_queries/${c.remove.id}`);
      }
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["saved_queries"] }),
    onSuccess: onDone,
  });
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

/** How many it would be, and the first of them; nothing is changed. */
export async function preview(which: Which, deed: Deed): Promise<Preview> {
  const path = deed.path === "revoke" ? "choose" : deed.path;
  const members = deed.path === "revoke" ? deed.members : { ...deed.members, dry_run: true };
  const body = { data: { type: path, attributes: { ...which, ...members } } };
  const found = dataOf<{ attributes: Preview }>(await post(`/certificates/${path}`, { body })).attributes;
  return { ...found, refused: found.refused ?? 0, judged: 2000 };
}

/** The job that does it, or the approval that it waits for. */
export async function carryOut(which: Which, deed: Deed, expected: number): Promise<{ id: string; type: string }> {
  const body = { data: { type: deed.path, attributes: { ...which, ...deed.members, expected } } };
  return dataOf<{ id: string; type: string }>(await post(`/certificates/${deed.path}`, { body }));
}

const over = (job: Job | undefined) => ["done", "failed", "cancelled"].includes(job?.attributes.status ?? "");

export function useJob(id: string | null) {
  const client = useQueryClient();
  return useQuery({
    queryKey: ["job", id],
    enabled: id !== null,
    refetchInterval: (q) => (over(q.state.data) ? false : 700),
    queryFn: async () => {
      const job = dataOf<Job>(await get(`/jobs/${id}`));
      if (over(job)) {
        void renewAll(client, "job");
      }
      return job;
    },
  });
}

export function useJobItems(id: string | null) {
  return useQuery({
    queryKey: ["job_items", id],
    enabled: id !== null,
    queryFn: async () => dataOf<JobItem[]>(await get(`/job_items?filter[job]=${id}&page[size]=20`)),
  });
}

/** Whether the export would be let in; the browser fetches it itself then, so that it needn't fit into memory. */
export async function checkExport(address: string): Promise<void> {
  const response = await fetch(address, { method: "HEAD", credentials: "same-origin", cache: "no-store" });
  if (!response.ok) {
    throw response.status === 429 ? new ApiError(429, [{ code: "too_many_requests" }], Number(response.headers.get("Retry-After")) || 30) : await errorOf(response);
  }
}
