// Counting certificates whatever that takes: a job does it, and what is then done is bound to those that it counted.
import { useQuery } from "@tanstack/react-query";
import { ApiError, api, dataOf } from "./client";
import type { Deed, Job, Preview, Which } from "./inventory";

interface Counting {
  id: string;
  attributes: Job["attributes"] & { result: Partial<Preview> | null };
}

type Call = <T>(path: string, init?: { body?: unknown }) => Promise<{ data?: { data?: T }; response: Response }>;
const get = api.GET as unknown as Call;
const post = api.POST as unknown as Call;

/** The job that counts them; nothing is changed by it. */
export async function countByJob(which: Which, deed: Deed): Promise<string> {
  const path = deed.path === "revoke" ? "choose" : deed.path;
  const members = deed.path === "revoke" ? deed.members : { ...deed.members, dry_run: true };
  const body = { data: { type: path, attributes: { ...which, ...members, as_job: true } } };
  return dataOf<{ id: string }>(await post(`/certificates/${path}`, { body })).id;
}

/** Whether counting took too long for an answer at once: a job can do it. */
export function isTooLong(error: unknown): boolean {
  return error instanceof ApiError && error.status === 422 && error.errors.some((one) => one.source?.pointer === "/data/attributes/filter");
}

export const ended = (status: string | undefined) => ["done", "failed", "cancelled"].includes(status ?? "");

export function useCounting(id: string | null) {
  return useQuery({
    queryKey: ["count", id],
    enabled: id !== null,
    refetchInterval: (q) => (ended(q.state.data?.attributes.status) ? false : 700),
    queryFn: async () => dataOf<Counting>(await get(`/jobs/${id}`)),
  });
}

/** What a count found; null: it isn't over. */
export function foundBy(job: Counting | undefined): Preview | null {
  const r = job?.attributes.result;
  return job?.attributes.status === "done" && r ? { count: r.count ?? 0, refused: r.refused ?? 0, judged: r.judged ?? JUDGED, sample: r.sample ?? [] } : null;
}

const JUDGED = 2000; // of which a dry run says what policies stand against
