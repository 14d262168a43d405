// The areas of the console's words, each a file for each language (en/<area>.ts, de/<area>.ts), loaded when a screen first asks for it by
// useTranslation("<area>"). "base" is there from the beginning.
import type base from "./en/base";
import type resources from "./en/resources";

export interface Words {
  base: typeof base;
  /** What stands around; the tables in it are too large for the types of keys, and are looked up (resources/words.ts). */
  resources: Pick<typeof resources, "screen">;
}
