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
  by_day: { day: string; issued: number; revoked: number }[];
  by_ca: { ca: string; count: number }[];
  by_profile: { profile: string; count: number }[];
  by_source: { source: string; count: number }[];
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

export function useKeyStores(allowed: boolean) {
  return useQuery({ queryKey: ["key_stores"], enabled: allowed, queryFn: () => plain<KeyStore[]>("/key_stores") });
}

export function useCas() {
  return useQuery({
    queryKey: ["cas"],
    queryFn: async () => dataOf<Ca[]>(await api.GET("/cas", { params: { query: { "page[size]": 500 } } })),
  });
}

export function useProfiles() {
  return useQuery({
    queryKey: ["profiles"],
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
}

export function useCertificates(query: Record<string, string>) {
  return useQuery({
    queryKey: ["certificates", query],
    placeholderData: keepPreviousData,
    queryFn: async (): Promise<Page> => {
      const get = api.GET as unknown as (path: string) => Promise<{ data?: { data?: Certificate[]; links?: { next?: string | null } } }>;
      const answer = await get(`/certificates?${new URLSearchParams(query).toString()}`);
      return { data: dataOf(answer), next: answer.data?.links?.next ?? null };
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
