// What the portal asks for. Who has the console's rights, too, is shown his own here all the same.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, dataOf } from "../api/client";
import { attributesOf, portalAlone, useSession } from "../api/session";
import type { Made } from "./archive";

export interface Thing<A> {
  type: string;
  id: string;
  attributes: A;
  relationships?: Record<string, { data: { id: string } | null }>;
}

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

interface Document<T> {
  data?: { data?: T; links?: { next?: string | null } };
  response: Response;
}

type Sender = (path: string, init?: { body: unknown }) => Promise<Document<unknown>>;

async function get<T>(path: string): Promise<T> {
  return dataOf(await (api.GET as unknown as Sender)(path)) as T;
}

async function post<T>(path: string, type: string, attributes: object): Promise<{ data: T; status: number }> {
  const answer = await (api.POST as unknown as Sender)(path, { body: { data: { type, attributes } } });
  return { data: dataOf(answer) as T, status: answer.response.status };
}

/** Who looks; everything: he sees more than his own. */
export function useMe() {
  const session = useSession();
  const a = session.data ? attributesOf(session.data) : {};
  const rights = a.rights ?? [];
  return { name: a.name ?? "", title: a.title || a.name || "", rights, everything: !portalAlone(rights) };
}

export function mayAsk(rights: readonly string[]): boolean {
  return rights.includes("certificates.own") || rights.includes("certificates.issue");
}

export function useOffers() {
  return useQuery({ queryKey: ["offers"], queryFn: () => get<Thing<Offer>[]>("/offers?page[size]=500") });
}

export const PAGE = 25;

export function usePasses(search: string, cursor: string | null) {
  const me = useMe();
  return useQuery({
    queryKey: ["passes", search, cursor, me.name],
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const query = new URLSearchParams({ "page[size]": String(PAGE) });
      if (search) {
        query.set("filter[common_name][contains]", search);
      }
      if (me.everything) {
        query.set("filter[owner]", me.name);
      }
      if (cursor) {
        query.set("page[after]", cursor);
      }
      const answer = await (api.GET as unknown as Sender)(`/certificates?${query.toString()}`);
      return { data: dataOf(answer) as Thing<Pass>[], next: answer.data?.links?.next ?? null };
    },
  });
}

export function usePass(id: string) {
  return useQuery({ queryKey: ["pass", id], queryFn: () => get<Thing<Pass>>(`/certificates/${encodeURIComponent(id)}`) });
}

/** Secret parts are kept until a day after they were first fetched, and no longer than the files. */
export function keyIsThere(fetched: string | null, until: string, now = Date.now()): boolean {
  return Date.parse(until) > now && (!fetched || Date.parse(fetched) + 24 * 3600_000 > now);
}

/** The request that a pass was made for, when it was one's own. */
export function useOrigin(certificate: string) {
  return useQuery({
    queryKey: ["origin", certificate],
    queryFn: async () => {
      const item = (await get<Thing<Item>[]>(`/batch_items?filter[certificate]=${encodeURIComponent(certificate)}`))[0];
      const batch = item?.relationships?.batch?.data?.id;
      return item && batch ? { n: item.attributes.n, fetched: item.attributes.fetched_at, batch: await get<Thing<Batch>>(`/batches/${batch}`) } : null;
    },
  });
}

export function useBatches() {
  const me = useMe();
  const own = me.everything ? `&filter[requestor]=${encodeURIComponent(`rest:${me.name}`)}` : "";
  return useQuery({ queryKey: ["batches", own], queryFn: () => get<Thing<Batch>[]>(`/batches?page[size]=50${own}`) });
}

/** Asks again while it is worked on, and now and then while it waits for somebody. */
export function useBatch(id: string) {
  return useQuery({
    queryKey: ["batch", id],
    queryFn: () => get<Thing<Batch>>(`/batches/${encodeURIComponent(id)}`),
    refetchInterval: (q) => {
      const a = q.state.data?.attributes;
      return a && a.open > 0 ? 1000 : a && a.waiting > 0 ? 5000 : false;
    },
  });
}

export const ITEMS_SHOWN = 100;

/** stamp: changes with what is known of the batch, so that its items are asked for anew. */
export function useItems(batch: string, stamp: string) {
  return useQuery({
    queryKey: ["items", batch, stamp],
    placeholderData: keepPreviousData,
    queryFn: () => get<Thing<Item>[]>(`/batch_items?filter[batch]=${encodeURIComponent(batch)}&page[size]=${ITEMS_SHOWN}`),
  });
}

const APPROVAL_FIELDS = "operation,body,reason,status,wanted,deciders,decisions,created_at,expires_at,decided_at";

export function useApprovals() {
  const me = useMe();
  const own = me.everything ? `&filter[requestor]=${encodeURIComponent(`rest:${me.name}`)}` : "";
  return useQuery({
    queryKey: ["approvals", own],
    refetchInterval: 10_000,
    queryFn: () => get<Thing<Approval>[]>(`/approvals?page[size]=50&sort=-created_at&fields[approvals]=${APPROVAL_FIELDS}${own}`),
  });
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
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ title, ...wish }: Wish) => (await post<Thing<Batch>>("/batches", "batches", { ...wish, ...(title ? { title } : {}) })).data.id,
    onSuccess: () => void client.invalidateQueries({ queryKey: ["batches"] }),
  });
}

export interface Problem {
  line: number;
  code: string;
}

export function useCheck() {
  return useMutation({
    mutationFn: async (lines: string[]) => (await post<Thing<{ problems: Problem[] }>>("/batches/check", "check", { lines })).data.attributes.problems,
  });
}

/** What was made: one, or everything, page by page. */
export async function fetchMade(batch: string, number: number | null, progress: (done: number) => void): Promise<Made[]> {
  const all: Made[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const body: Record<string, number> = number === null ? { after } : { number };
    const page = (await post<Thing<{ items: Made[]; next: number | null }>>(`/batches/${batch}/fetch`, "fetch", body)).data.attributes;
    all.push(...page.items);
    progress(all.length);
    after = number === null ? page.next : null;
  }
  return all;
}

export const LOSSES = ["lost", "stolen", "broken", "replaced"] as const;
export type Loss = (typeof LOSSES)[number];
/** Whoever has a lost device may have its key. */
export const REASONS: Record<Loss, string> = { lost: "keyCompromise", stolen: "keyCompromise", broken: "cessationOfOperation", replaced: "superseded" };

export function useReport(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (loss: Loss) => ({ waits: (await post(`/certificates/${id}/revoke`, "revoke", { reason: REASONS[loss] })).status === 202 }),
    onSuccess: () => void client.invalidateQueries({ predicate: (q) => ["pass", "passes", "approvals"].includes(String(q.queryKey[0])) }),
  });
}

export function useWithdraw() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => post(`/approvals/${id}/withdraw`, "withdraw", {}),
    onSuccess: () => void client.invalidateQueries({ predicate: (q) => ["approvals", "batches"].includes(String(q.queryKey[0])) }),
  });
}
