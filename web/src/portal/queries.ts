// What the portal asks for. Who has the console's rights, too, is shown his own here all the same.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useAll, useChange, useOne, usePages } from "../api/hooks";
import { keys } from "../api/keys";
import { act, addressOf, create, type Item as Rest, itemOf, one, page } from "../api/rest";
import { useMe } from "./me";
import type { Made } from "./archive";

export type Thing<A> = Rest<A>;

export interface Pass {
  common_name: string;
  subject: string;
  serial: string;
  status: string;
  not_before: string;
  not_after: string;
  created_at: string;
  revoked_at: string | null;
  owner: string | null;
  profile: string;
  pem?: string;
  chain_pem?: string;
}

export interface Batch {
  title: string;
  profile: string;
  format: "pkcs12" | "pem";
  total: number;
  open: number;
  waiting: number;
  done: number;
  failed: number;
  created_at: string;
  results_until: string;
}

export interface Item {
  n: number;
  name: string;
  status: "open" | "waiting" | "done" | "failed";
  error: string | null;
  message_de: string | null;
  fetched_at: string | null;
}

export interface Approval {
  operation: string;
  body: { subject?: { CN?: string[] } } | null;
  reason: string;
  status: "open" | "approved" | "done" | "rejected" | "withdrawn" | "expired" | "failed";
  wanted: number;
  deciders: string[];
  decisions: { account: string; approves: boolean; comment: string }[];
  created_at: string;
  expires_at: string;
  decided_at: string | null;
}

export interface Offer {
  name: string;
  title: string;
}

export function useOffers() {
  return useAll<Thing<Offer>>("/offers");
}

const PAGE = 25;

export function usePasses(search: string) {
  const me = useMe();
  return usePages<Thing<Pass>>("/certificates", {
    "page[size]": PAGE, "filter[common_name][contains]": search, "filter[owner]": me.everything ? me.name : undefined,
  });
}

export function usePass(id: string) {
  return useOne<Thing<Pass>>(`/certificates/${encodeURIComponent(id)}`);
}

/** Secret parts are kept until a day after they were first fetched, and no longer than the files. */
export function keyIsThere(fetched: string | null, until: string, now = Date.now()): boolean {
  return Date.parse(until) > now && (!fetched || Date.parse(fetched) + 24 * 3600_000 > now);
}

/** The request that a pass was made for, when it was one's own. */
export function useOrigin(certificate: string) {
  return useQuery({
    queryKey: keys.own("origin", certificate),
    queryFn: async () => {
      const item = (await page<Thing<Item>>("/batch_items", { "filter[certificate]": certificate })).data[0];
      const batch = item?.relationships?.batch?.data?.id;
      return item && batch ? { n: item.attributes.n, fetched: item.attributes.fetched_at, batch: await one<Thing<Batch>>(`/batches/${batch}`) } : null;
    },
  });
}

/** Of who has a console's rights, too, his own alone. */
function useRequestor(): string | undefined {
  const me = useMe();
  return me.everything ? `rest:${me.name}` : undefined;
}

export function useBatches() {
  return usePages<Thing<Batch>>("/batches", { "page[size]": PAGE, "filter[requestor]": useRequestor() });
}

/** Asks again while it is worked on, and now and then while it waits for somebody. */
export function useBatch(id: string) {
  return useOne<Thing<Batch>>(`/batches/${encodeURIComponent(id)}`, true, ({ attributes: a }) => (a.open > 0 ? 1000 : a.waiting > 0 ? 5000 : false));
}

/** stamp: changes with what is known of the batch, so that its items are asked for anew. */
export function useItems(batch: string, stamp: string) {
  return usePages<Thing<Item>>("/batch_items", { "page[size]": 100, "filter[batch]": batch }, { stamp });
}

const APPROVAL_FIELDS = "operation,body,reason,status,wanted,deciders,decisions,created_at,expires_at,decided_at";

const OFTEN = 10_000;

/** What waits: all of it. */
export function useOpen() {
  const query = { "filter[status]": "open", sort: "-created_at", "fields[approvals]": APPROVAL_FIELDS, "filter[requestor]": useRequestor() };
  return useAll<Thing<Approval>>(addressOf("/approvals", query), true, OFTEN);
}

/** The newest approvals, those that wait among them. */
export function useApprovals() {
  const query = { "page[size]": PAGE, sort: "-created_at", "fields[approvals]": APPROVAL_FIELDS, "filter[requestor]": useRequestor() };
  return usePages<Thing<Approval>>("/approvals", query, { again: () => OFTEN });
}

export interface Line {
  name?: string;
  csr?: string;
  replaces?: string;
  same_key?: boolean;
}

export interface Wish {
  title?: string;
  profile: string;
  format: "pkcs12" | "pem";
  password?: string;
  lines: (string | Line)[];
}

/** Asks for one or many; gives the request's id. */
export function useAsk() {
  return useChange(async ({ title, ...wish }: Wish) => itemOf(await create("/batches", "batches", { ...wish, ...(title ? { title } : {}) })).id);
}

export interface Problem {
  line: number;
  code: string;
}

export function useCheck() {
  return useMutation({
    mutationFn: async (lines: string[]) => itemOf(await act<Thing<{ problems: Problem[] }>>("/batches/check", "check", { lines })).attributes.problems,
  });
}

/** What was made: one, or everything, page by page. */
export async function fetchMade(batch: string, number: number | null, progress: (done: number) => void): Promise<Made[]> {
  const all: Made[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const body: Record<string, number> = number === null ? { after } : { number };
    const made: { items: Made[]; next: number | null } = itemOf(
      await act<Thing<{ items: Made[]; next: number | null }>>(`/batches/${batch}/fetch`, "fetch", body),
    ).attributes;
    all.push(...made.items);
    progress(all.length);
    after = number === null ? made.next : null;
  }
  return all;
}

export const LOSSES = ["lost", "stolen", "broken", "replaced"] as const;
export type Loss = (typeof LOSSES)[number];
/** Whoever has a lost device may have its key. */
export const REASONS: Record<Loss, string> = { lost: "keyCompromise", stolen: "keyCompromise", broken: "cessationOfOperation", replaced: "superseded" };

export function useReport(id: string) {
  return useChange(async (loss: Loss) => ({ waits: (await act(`/certificates/${id}/revoke`, "revoke", { reason: REASONS[loss] })).approval !== null }));
}

export function useWithdraw() {
  return useChange((id: string) => act(`/approvals/${id}/withdraw`, "withdraw", {}));
}
