// Who is signed in, and the steps until then.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, api, dataOf, type Schemas } from "./client";

export type Session = Schemas["sessions"];
export type Missing = "second_factor" | "password" | "totp";

/** The session's own attributes, and what a step shows once. */
export type SessionAttributes = NonNullable<Session["attributes"]> & { secret?: string; uri?: string; recovery_codes?: string[] };

export function attributesOf(session: Session): SessionAttributes {
  return (session.attributes ?? {}) as SessionAttributes;
}

/** Sees what it is responsible for, and nothing else: the portal is its place, not the console. */
export function portalAlone(rights: readonly string[]): boolean {
  return rights.includes("certificates.own") && !rights.includes("read");
}

/** null: nobody is signed in. */
export async function fetchSession(): Promise<Session | null> {
  try {
    return dataOf<Session>(await api.GET("/sessions/current"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      return null;
    }
    throw error;
  }
}

const KEY = ["session"];

export function useSession() {
  return useQuery({ queryKey: KEY, queryFn: fetchSession, staleTime: 60_000, retry: false });
}

export function useSetSession() {
  const client = useQueryClient();
  return (session: Session | null) => {
    if (session === null) {
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] });
    }
    client.setQueryData(KEY, session);
  };
}

export async function signIn(claim: { name: string; tenant?: string; password?: string; one_time_code?: string }): Promise<Session> {
  return dataOf<Session>(await api.POST("/sessions", { body: { data: { type: "sessions", attributes: claim } } }));
}

export async function proveFactor(attributes: { code?: string; recovery_code?: string }): Promise<Session> {
  const body = { data: { type: "second_factor" as const, attributes } };
  return dataOf<Session>(await api.POST("/sessions/current/second_factor", { body }));
}

export async function setPassword(attributes: { password: string; current_password?: string }): Promise<Session> {
  return dataOf<Session>(await api.POST("/sessions/current/password", { body: { data: { type: "password", attributes } } }));
}

export async function beginTotp(code?: string): Promise<Session> {
  const body = { data: { type: "totp" as const, attributes: code ? { code } : {} } };
  return dataOf<Session>(await api.POST("/sessions/current/totp", { body }));
}

export async function confirmTotp(code: string): Promise<Session> {
  const body = { data: { type: "totp_confirm" as const, attributes: { code } } };
  return dataOf<Session>(await api.POST("/sessions/current/totp_confirm", { body }));
}

export async function signOut(): Promise<void> {
  await api.DELETE("/sessions/current");
}
