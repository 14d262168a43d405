// The areas of the console's words, each a file for each language (en/<area>.ts, de/<area>.ts), loaded when a screen first asks for it by
// useTranslation("<area>"). "base" is there from the beginning.
import type base from "./en/base";

export interface Words {
  base: typeof base;
}
