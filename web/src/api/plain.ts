// Requests for resources that are told apart by their address alone: lists, single ones, actions. What is special about one stands in its screen.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, dataOf, renewAll } from "./client";

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
export interface Item {
  id: string;
  type: string;
  attributes: Record<string, unknown>;
  relationships?: Record<string, { data?: { id: string; type: string } | null }>;
}
export interface Page {
  data: Item[];
  next: string | null;
}

interface Answer {
  data?: { data?: unknown; links?: { next?: string | null } };
  response: Response;
}
type Call = (path: string, init?: object) => Promise<Answer>;
const GET = api.GET as unknown as Call;
const POST = api.POST as unknown as Call;
const PATCH = api.PATCH as unknown as Call;
const DELETE = api.DELETE as unknown as Call;

export async function fetchPage(path: string): Promise<Page> {
  const answer = await GET(path);
  return { data: dataOf<Item[]>(answer as { data?: { data?: Item[] } }), next: answer.data?.links?.next ?? null };
}

/** All pages of a list, up to some thousand: of what a tenant has few. */
export async function fetchAll(path: string, pages = 20): Promise<Item[]> {
  const glue = path.includes("?") ? "&" : "?";
  let found: Item[] = [];
  let after = "";
  for (let i = 0; i < pages; i++) {
    const page = await fetchPage(`${path}${glue}page[size]=500${after}`);
    found = found.concat(page.data);
    const next = page.next ? new URL(page.next, location.origin).searchParams.get("page[after]") : null;
    if (!next) {
      break;
    }
    after = `&page[after]=${encodeURIComponent(next)}`;
  }
  return found;
}

export async function fetchOne(path: string): Promise<Item> {
  return dataOf<Item>((await GET(path)) as { data?: { data?: Item } });
}

/** What became of a change: done, with what it says; or it waits for an approval, or a job does it. */
export interface Outcome {
  item: Item | null;
  approval: string | null;
  job: string | null;
}

export interface Wish {
  method?: "POST" | "PATCH" | "DELETE";
  path: string;
  type?: string;
  id?: string;
  attributes?: Record<string, unknown>;
  /** A file in place of a document. */
  file?: Blob;
}

export async function send(wish: Wish): Promise<Outcome> {
  const call = wish.method === "PATCH" ? PATCH : wish.method === "DELETE" ? DELETE : POST;
  const body = wish.type ? { data: { type: wish.type, ...(wish.id ? { id: wish.id } : {}), attributes: wish.attributes ?? {} } } : undefined;
  const init = wish.file
    ? { body: wish.file, bodySerializer: (file: Blob) => file, headers: { "Content-Type": "application/octet-stream" } }
    : body
      ? { body }
      : {};
  const answer = await call(wish.path, init);
  const item = (answer.data?.data ?? null) as Item | null;
  const waits = answer.response.status === 202;
  return {
    item,
    approval: waits && item?.type === "approvals" ? item.id : null,
    job: waits && item?.type === "jobs" ? item.id : null,
  };
}

export function useAll(path: string, enabled = true) {
  return useQuery({ queryKey: ["all", path], enabled, queryFn: () => fetchAll(path) });
}

export function useOne(path: string, enabled = true) {
  return useQuery({ queryKey: ["one", path], enabled, queryFn: () => fetchOne(path) });
}

export function usePage(path: string, enabled = true) {
  return useQuery({ queryKey: ["page", path], enabled, placeholderData: keepPreviousData, queryFn: () => fetchPage(path) });
}

/** A short list that comes whole and takes no page. */
export function useWhole(path: string, enabled = true) {
  return useQuery({ queryKey: ["all", path], enabled, queryFn: async () => (await fetchPage(path)).data });
}

/** A change; what was asked for before it is asked for anew. */
export function useSend(onDone?: (outcome: Outcome) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: send,
    onSuccess: (outcome) => {
      void renewAll(client);
      onDone?.(outcome);
    },
  });
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
