// Who is signed in, and the steps until then.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, api, dataOf, type Schemas } from "./client";
import { keys } from "./keys";
import { type CreateOptions, createPasskey, type GetOptions, type Proof, showPasskey } from "./webauthn";

export type Session = Schemas["sessions"];
export type Missing = "second_factor" | "password" | "totp" | "passkey";

/** The session's own attributes, and what a step shows once. */
type SessionAttributes = NonNullable<Session["attributes"]> & { secret?: string; uri?: string; recovery_codes?: string[] };

export function attributesOf(session: Session): SessionAttributes {
  return (session.attributes ?? {}) as SessionAttributes;
}

/** Sees what it is responsible for, and nothing else: the portal is its place, not the console. */
export function portalAlone(rights: readonly string[]): boolean {
  return rights.includes("certificates.own") && !rights.includes("read");
}

/** null: nobody is signed in. */
async function fetchSession(): Promise<Session | null> {
  try {
    return dataOf<Session>(await api.GET("/sessions/current"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      return null;
    }
    throw error;
  }
}

export const sessionQuery = { queryKey: keys.session, queryFn: fetchSession, staleTime: 60_000, retry: false };

export function useSession() {
  // Asked for again and again, so that one that has ended is seen to have.
  return useQuery({ ...sessionQuery, refetchInterval: 120_000 });
}

export function useSetSession() {
  const client = useQueryClient();
  return (session: Session | null) => {
    if (session === null) {
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== keys.session[0] });
    }
    client.setQueryData(keys.session, session);
  };
}

const NONE: SessionAttributes = {};

/** What is known of who is signed in; nothing as long as nobody is. */
export function useOwn(): SessionAttributes {
  const session = useSession().data;
  return session ? attributesOf(session) : NONE;
}

/** The rights of who is signed in. */
export function useRights(): readonly string[] {
  return useOwn().rights ?? [];
}

/** Whether who is signed in has a right. */
export function useMay(): (right: string) => boolean {
  const rights = useRights();
  return (right) => rights.includes(right);
}

type Claim = { name?: string; tenant?: string; password?: string; one_time_code?: string; passkey?: Proof; card_code?: string; card_verifier?: string };

export async function signIn(claim: Claim): Promise<Session> {
  return dataOf<Session>(await api.POST("/sessions", { body: { data: { type: "sessions", attributes: claim } } }));
}

export async function proveFactor(attributes: { code?: string; recovery_code?: string; passkey?: Proof }): Promise<Session> {
  const body = { data: { type: "second_factor" as const, attributes } };
  return dataOf<Session>(await api.POST("/sessions/current/second_factor", { body }));
}

export async function setPassword(attributes: { password: string; current_password?: string }): Promise<Session> {
  return dataOf<Session>(await api.POST("/sessions/current/password", { body: { data: { type: "password", attributes } } }));
}

export async function beginTotp(): Promise<Session> {
  const body = { data: { type: "totp" as const, attributes: {} } };
  return dataOf<Session>(await api.POST("/sessions/current/totp", { body }));
}

export async function confirmTotp(code: string): Promise<Session> {
  const body = { data: { type: "totp_confirm" as const, attributes: { code } } };
  return dataOf<Session>(await api.POST("/sessions/current/totp_confirm", { body }));
}

export async function removeTotp(): Promise<Session> {
  return dataOf<Session>(await api.POST("/sessions/current/totp_remove"));
}

export async function signOut(): Promise<void> {
  await api.DELETE("/sessions/current");
}

/** How one may sign in beside a password. */
interface Ways {
  passkey: boolean;
  card_url: string | null;
}

export function useWays() {
  return useQuery({
    queryKey: keys.ways,
    queryFn: async () => (dataOf<{ attributes: Ways }>((await api.GET("/sessions/ways")) as never)).attributes,
    staleTime: Infinity,
    retry: false,
  });
}

/** The options of an answer; such an answer isn't a resource of the store, so that its type isn't described. */
function optionsOf<T>(answer: unknown): T {
  return dataOf<{ attributes: { public_key: T } }>(answer as never).attributes.public_key;
}

export async function signInByPasskey(): Promise<Session> {
  return signIn({ passkey: await showPasskey(optionsOf<GetOptions>(await api.POST("/sessions/passkey_challenge"))) });
}

export async function proveByPasskey(): Promise<Session> {
  return proveFactor({ passkey: await showPasskey(optionsOf<GetOptions>(await api.POST("/sessions/current/passkey_challenge"))) });
}

export async function addPasskey(name: string): Promise<Session> {
  const made = await createPasskey(optionsOf<CreateOptions>(await api.POST("/sessions/current/passkey_options")));
  return dataOf<Session>(await api.POST("/sessions/current/passkey", { body: { data: { type: "passkey", attributes: { name, ...made } } } }));
}

export type Passkey = Schemas["passkeys"];

export async function namePasskey(id: string, name: string): Promise<void> {
  await api.PATCH("/passkeys/{id}", { params: { path: { id } }, body: { data: { type: "passkeys", id, attributes: { name } } } });
}

export async function removePasskey(id: string): Promise<void> {
  await api.DELETE("/passkeys/{id}", { params: { path: { id } } });
}

export async function endOthers(): Promise<void> {
  await api.DELETE("/sessions/others");
}

/** The server wants a proof no older than ten minutes for what changes how one signs in; a minute is left for doing it. */
export function provedLately(session: Session, now = Date.now()): boolean {
  const at = attributesOf(session).proved_at;
  return !!at && now - Date.parse(at) < 9 * 60_000;
}
