// What the screens ask for, each with its key.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, dataOf, type Schemas } from "./client";

export type Certificate = Schemas["certificates"];
export type CertificateAttributes = NonNullable<Certificate["attributes"]>;
export type Ca = Schemas["cas"];
export type Profile = Schemas["profiles"];
export type Crl = Schemas["crls"];

/** As GET /statistics gives it (doc/rest.md). */
export interface Statistics {
  total: number;
  expired: number;
  by_status: { issued: number; revoked: number; held: number };
  expiring: { "7_days": number; "30_days": number; "90_days": number };
  by_day: { day: string; issued: number; revoked: number; refused: number }[];
  refused: { total: number; by_reason: { reason: string; count: number }[]; by_source: { source: string; count: number }[] };
  by_ca: { ca: string; count: number }[];
  by_profile: { profile: string; count: number }[];
  by_source: { source: string; count: number }[];
}

/** As GET /machine gives it (doc/rest.md). */
export interface Machine {
  status: "ok" | "warning" | "failed";
  problems: { code: string; level: "warning" | "failed"; subject: string; value: number }[];
  services: { name: string; state: "running" | "stopped" | "unknown"; since: string | null; processes: number; memory_bytes: number }[];
  engine: { state: string; key_store: string };
  store: { state: string; bytes: number; started_at: string; counts_waiting: number };
  jobs: { waiting: number; running: number; oldest_sec: number };
  crls: { cas: number; overdue: number; missing: number };
  crl_list: { ca: string; state: "ok" | "overdue" | "missing"; this_update: string | null; next_update: string | null }[];
  disks: { paths: string[]; state: "ok" | "warning" | "failed"; bytes: number; free_bytes: number }[];
  cpu?: { processors: number; load: [number, number, number]; busy_percent: number };
  memory?: { bytes: number; available_bytes: number; swap_bytes: number; swap_free_bytes: number };
  clock?: { now: string; synchronized: boolean; error_ms: number };
  uptime_sec: number;
}

export interface KeyStore {
  id: string;
  attributes: { name: string; usable: boolean; why: string };
}

/** What the description of the API has no schema for: the document as it came. */
async function plain<T>(path: string): Promise<T> {
  const get = api.GET as unknown as (path: string) => Promise<{ data?: { data?: T } }>;
  return dataOf(await get(path));
}

export function useStatistics(days: number) {
  return useQuery({
    queryKey: ["statistics", days],
    queryFn: async () => (await plain<{ attributes: Statistics }>(`/statistics?filter[days]=${days}`)).attributes,
  });
}

export function useHealth() {
  return useQuery({
    queryKey: ["health"],
    queryFn: async () => (await plain<{ attributes: { store: string; engine: string } }>("/health")).attributes,
  });
}

/** How the machine does, anew every half minute. */
export function useMachine(allowed: boolean) {
  return useQuery({
    queryKey: ["machine"],
    enabled: allowed,
    refetchInterval: 30_000,
    queryFn: async () => (await plain<{ attributes: Machine }>("/machine")).attributes,
  });
}

export function useKeyStores(allowed: boolean) {
  return useQuery({ queryKey: ["key_stores"], enabled: allowed, queryFn: () => plain<KeyStore[]>("/key_stores") });
}

export function useCas(allowed = true) {
  return useQuery({
    queryKey: ["cas"],
    enabled: allowed,
    queryFn: async () => dataOf<Ca[]>(await api.GET("/cas", { params: { query: { "page[size]": 500 } } })),
  });
}

export function useProfiles(allowed = true) {
  return useQuery({
    queryKey: ["profiles"],
    enabled: allowed,
    queryFn: async () => dataOf<Profile[]>(await api.GET("/profiles", { params: { query: { "page[size]": 500 } } })),
  });
}

/** The newest list of each CA, by the CA's name. */
export function useCrls() {
  return useQuery({
    queryKey: ["crls"],
    queryFn: async () => {
      const all = dataOf<Crl[]>(await api.GET("/crls", { params: { query: { "page[size]": 500 } } }));
      const newest = new Map<string, Crl>();
      for (const one of all) {
        const issuer = one.attributes?.issuer ?? "";
        const known = newest.get(issuer);
        if (!known || (one.attributes?.number ?? 0) > (known.attributes?.number ?? 0)) {
          newest.set(issuer, one);
        }
      }
      return [...newest.values()];
    },
  });
}

export interface Page {
  data: Certificate[];
  next: string | null;
  reach?: Reach | undefined;
}

/** How far a long list was looked through, in what it is sorted by. */
export interface Reach {
  looked_by?: string;
  looked_to?: string;
}

export function useCertificates(query: Record<string, string>) {
  return useQuery({
    queryKey: ["certificates", query],
    placeholderData: keepPreviousData,
    queryFn: async (): Promise<Page> => {
      const get = api.GET as unknown as (path: string) => Promise<{ data?: { data?: Certificate[]; links?: { next?: string | null }; meta?: Reach } }>;
      const answer = await get(`/certificates?${new URLSearchParams(query).toString()}`);
      return { data: dataOf(answer), next: answer.data?.links?.next ?? null, reach: answer.data?.meta };
    },
  });
}

export function useCertificate(id: string) {
  return useQuery({
    queryKey: ["certificate", id],
    queryFn: async () => dataOf<Certificate>(await api.GET("/certificates/{id}", { params: { path: { id } } })),
  });
}

export interface AuditEvent {
  id: string;
  attributes: { at: string; at_us: number; actor: string; action: string };
}

export function useAudit(object: string, allowed: boolean) {
  return useQuery({
    queryKey: ["audit", object],
    enabled: allowed,
    queryFn: () => plain<AuditEvent[]>(`/audit_events?filter[object]=${encodeURIComponent(object)}&page[size]=50`),
  });
}

/** What each right allows, in the server's words. */
export function useRights() {
  return useQuery({
    queryKey: ["rights"],
    staleTime: Infinity,
    queryFn: async () => new Map((await plain<{ id: string; attributes: { text: string } }[]>("/rights")).map((one) => [one.id, one.attributes.text])),
  });
}
