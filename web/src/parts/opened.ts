// What a form was opened with: it keeps to that, whatever comes in while somebody types.
import { useState } from "react";
import type { Item, Outcome } from "../api/rest";

interface Found {
  data: Item | undefined;
  isFetching: boolean;
  refetch: () => Promise<unknown>;
}

/** The thing that is edited (of the address with that id), who is told what became of saving it, and what loads it anew: what somebody else stores
 * meanwhile changes nothing until then, but saving says so. */
export function useOpened({ data, isFetching, refetch }: Found, onSaved: (outcome: Outcome | null) => void, id?: string) {
  const [opened, setOpened] = useState<Item>();
  // Not of what was kept from an earlier look, when a newer answer is on its way.
  if (data && !isFetching && opened?.id !== data.id) {
    setOpened(data);
  }
  const saved = (outcome: Outcome | null) => {
    if (outcome?.item && outcome.item.id === opened?.id && outcome.item.type === opened.type) {
      setOpened(outcome.item);
    }
    onSaved(outcome);
  };
  const reload = () => void refetch().then(() => setOpened(undefined));
  return [id === undefined || opened?.id === id ? opened : undefined, saved, reload] as const;
}
