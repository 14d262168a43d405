// What a form was opened with: it keeps to that, whatever comes in while somebody types.
import { useState } from "react";
import type { Item, Outcome } from "../api/rest";

/** The thing that is edited, and who is told what became of saving it. What somebody else stores meanwhile doesn't begin the form anew: saving says so. */
export function useOpened({ data, isFetching }: { data: Item | undefined; isFetching: boolean }, onSaved: (outcome: Outcome | null) => void) {
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
  return [opened, saved] as const;
}
