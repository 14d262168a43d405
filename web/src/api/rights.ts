// The rights that there are.
import { useQuery } from "@tanstack/react-query";
import { keys } from "./keys";
import { type Item, page } from "./rest";

/** What each right allows, in the server's words. */
export function useRightTexts() {
  return useQuery({
    queryKey: keys.own("rights"),
    staleTime: Infinity,
    queryFn: async () => new Map((await page<Item<{ text: string }>>("/rights")).data.map((one) => [one.id, one.attributes.text])),
  });
}
