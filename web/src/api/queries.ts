// What several screens ask for, with its type. For the first page, too: what others need stands beside it (certificates.ts).
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "./client";
import { keys } from "./keys";
import { list, one, type Page, page, type Path } from "./rest";

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
  /** While it is away: since when, and nothing that it would say. */
  store: { state: string; since?: string; bytes?: number; started_at?: string; counts_waiting?: number };
  jobs: { waiting: number; running: number; oldest_sec: number } | null;
  crls: { cas: number; overdue: number; missing: number } | null;
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

async function attributesAt<A>(path: Path): Promise<A> {
  return (await one<{ attributes: A }>(path)).attributes;
}

export function useStatistics(days: number) {
  const path: Path = `/statistics?filter[days]=${days}`;
  return useQuery({ queryKey: keys.one(path), queryFn: () => attributesAt<Statistics>(path) });
}

export function useHealth() {
  return useQuery({ queryKey: keys.own("health"), queryFn: () => attributesAt<{ store: string; engine: string }>("/health") });
}

/** How the machine does, anew every half minute. */
export function useMachine(allowed: boolean) {
  return useQuery({ queryKey: keys.own("machine"), enabled: allowed, refetchInterval: 30_000, queryFn: () => attributesAt<Machine>("/machine") });
}

export function useKeyStores(allowed: boolean) {
  return useQuery({ queryKey: keys.own("key_stores"), enabled: allowed, queryFn: async () => (await page<KeyStore>("/key_stores")).data });
}

export function useCas(allowed = true) {
  return useQuery({ queryKey: keys.list("/cas"), enabled: allowed, queryFn: () => list<Ca>("/cas") });
}

export function useProfiles(allowed = true) {
  return useQuery({ queryKey: keys.list("/profiles"), enabled: allowed, queryFn: () => list<Profile>("/profiles") });
}

/** The newest list of each CA: among the newest of all, which is usually each; those of CAs that aren't among them are asked for one by one. */
export function useCrls() {
  return useQuery({
    queryKey: keys.own("crls"),
    queryFn: async () => {
      const newest = new Map<string, Crl>();
      const all = await page<Crl>("/crls", { "page[size]": 500 });
      const rest: Page<Crl>[] = [];
      if (all.next) {
        const known = new Set(all.data.map((crl) => crl.attributes?.issuer));
        const others = (await list<Ca>("/cas")).filter((ca) => !known.has(ca.attributes?.name));
        rest.push(...(await Promise.all(others.map((ca) => page<Crl>("/crls", { "filter[issuer]": ca.attributes?.name, "page[size]": 1 })))));
      }
      for (const crl of [...all.data, ...rest.flatMap((part) => part.data)]) {
        const issuer = crl.attributes?.issuer ?? "";
        const known = newest.get(issuer);
        if (!known || (crl.attributes?.number ?? 0) > (known.attributes?.number ?? 0)) {
          newest.set(issuer, crl);
        }
      }
      return [...newest.values()];
    },
  });
}
