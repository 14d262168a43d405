// Under which keys answers are kept, and when they are asked for anew. A key is how something is asked for, and its address: two screens that ask for the same
// share the answer.
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import type { Path } from "./rest";

export const keys = {
  /** Who is signed in: the whole page hangs on it. */
  session: ["session"],
  ways: ["ways"],
  page: (path: Path) => ["page", path],
  list: (path: Path) => ["list", path],
  one: (path: Path) => ["one", path],
  /** What is asked for in a way of its own. */
  own: (name: string, ...by: unknown[]) => ["own", name, ...by],
} as const;

/** After a change: whatever was asked for is asked for anew, since nobody knows what hangs on what. Not the session; but: nor the one at this address, which
    asks for this itself. */
export function renewAll(client: QueryClient, but?: Path): Promise<void> {
  return client.invalidateQueries({ predicate: ({ queryKey: [kind, path] }) => kind !== "session" && !(kind === "one" && path === but) });
}

export function useRenew(): (but?: Path) => Promise<void> {
  const client = useQueryClient();
  return (but) => renewAll(client, but);
}
