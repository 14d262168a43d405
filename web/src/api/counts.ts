// Counting certificates whatever that takes: a job does it, and what is then done is bound to those that it counted.
import { type Deed, JUDGED, type Preview, type Which } from "./certificates";
import { ApiError } from "./client";
import { act, type Item, text } from "./rest";

/** The job that counts them; nothing is changed by it. */
export async function countByJob(which: Which, deed: Deed): Promise<string | null> {
  const path = deed.path === "revoke" ? "choose" : deed.path;
  const members = deed.path === "revoke" ? deed.members : { ...deed.members, dry_run: true };
  return (await act(`/certificates/${path}`, path, { ...which, ...members, as_job: true })).job;
}

/** Whether counting took too long for an answer at once: a job can do it. */
export function isTooLong(error: unknown): boolean {
  return error instanceof ApiError && error.status === 422 && error.about("filter");
}

/** What a count found; null: it isn't over. */
export function foundBy(job: Item | undefined): Preview | null {
  const found = job?.attributes.result as Partial<Preview> | null | undefined;
  return text(job, "status") === "done" && found
    ? { count: found.count ?? 0, refused: found.refused ?? 0, judged: found.judged ?? JUDGED, sample: found.sample ?? [] }
    : null;
}
