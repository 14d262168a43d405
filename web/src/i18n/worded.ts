// Parts of the page that come when they are wanted, with their words: words that came later would take the part away again that is already shown.
import { type ComponentType, lazy } from "react";
import { bring } from "./index";
import type { Area } from "./words";

/** A part that is shown when its code is there and the words of all that it imports, which are fetched beside each other. worded.test.ts knows which
 * areas these are. */
export function worded<P>(code: () => Promise<{ default: ComponentType<P> }>, ...areas: Area[]) {
  return lazy(async () => {
    const [module] = await Promise.all([code(), bring(areas)]);
    return module;
  });
}
