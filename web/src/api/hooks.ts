// Asking for resources from within screens, each by its address.
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { keys, useRenew } from "./keys";
import { addressOf, type Item, list, one, type Outcome, type Page, page, type Path, type Query, send, type Wish } from "./rest";

/** A list to its end; every: asked for anew after so many milliseconds. */
export function useAll<T = Item>(path: Path, enabled = true, every: number | false = false) {
  return useQuery({ queryKey: keys.list(path), enabled, queryFn: () => list<T>(path), refetchInterval: every });
}

/** A short list that comes whole and takes no page. */
export function useWhole<T = Item>(path: Path, enabled = true) {
  return useQuery({ queryKey: [...keys.list(path), "whole"], enabled, queryFn: async () => (await page<T>(path)).data });
}

export function useOne<T = Item>(path: Path, enabled = true, again?: (item: T) => number | false) {
  return useQuery<T>({
    queryKey: keys.one(path),
    enabled,
    queryFn: () => one<T>(path),
    refetchInterval: again && ((asked) => (asked.state.data ? again(asked.state.data) : false)),
  });
}

export interface Asking<T> {
  enabled?: boolean;
  /** After how many milliseconds it is asked for anew, by what came; false: not at all. */
  again?: (rows: T[]) => number | false;
  /** What isn't in the address, and yet makes another answer of it. */
  stamp?: string;
}

/** A part of a list. */
export function usePage<T = Item>(path: Path, query: Query = {}, { enabled = true, again, stamp }: Asking<T> = {}) {
  const address = addressOf(path, query);
  return useQuery<Page<T>>({
    queryKey: stamp === undefined ? keys.page(address) : [...keys.page(address), stamp],
    enabled,
    placeholderData: keepPreviousData,
    queryFn: () => page<T>(address),
    refetchInterval: again && ((asked) => (asked.state.data ? again(asked.state.data.data) : false)),
  });
}

/** The way through the parts of a list. */
export interface Turning {
  /** From 1. */
  at: number;
  previous: (() => void) | null;
  next: (() => void) | null;
}

export const PAGE = 50;

/** A list that is leafed through; with another question it begins anew. Turning: for Pages (parts/Pages.tsx). */
export function usePages<T = Item>(path: Path, query: Query = {}, asking: Asking<T> = {}) {
  const asked = addressOf(path, query);
  const [stand, setStand] = useState<{ asked: Path; cursors: string[] }>({ asked, cursors: [] });
  const cursors = stand.asked === asked ? stand.cursors : [];
  const found = usePage<T>(path, { "page[size]": PAGE, ...query, "page[after]": cursors.at(-1) }, asking);
  const next = found.isPlaceholderData ? null : (found.data?.next ?? null);
  const turn: Turning = {
    at: cursors.length + 1,
    previous: cursors.length > 0 ? () => setStand({ asked, cursors: cursors.slice(0, -1) }) : null,
    next: next ? () => setStand({ asked, cursors: [...cursors, next] }) : null,
  };
  return { found, rows: found.data?.data ?? [], turn };
}

/** A change; what was asked for before it is asked for anew, whatever it is. */
export function useChange<V, R = Outcome>(make: (what: V) => Promise<R>, onDone?: (result: R) => void) {
  const renew = useRenew();
  return useMutation({
    mutationFn: make,
    onSuccess: (result) => {
      void renew();
      onDone?.(result);
    },
  });
}

export function useSend<T = Item>(onDone?: (outcome: Outcome<T>) => void) {
  return useChange((wish: Wish) => send<T>(wish), onDone);
}
