// The areas of the console's words, each a file for each language (en/<area>.ts, de/<area>.ts), loaded when a screen first asks for it by
// useTranslation("<area>"). "base" is there from the beginning.
import type base from "./en/base";
import type help from "./en/help";
import type inventory from "./en/inventory";
import type machine from "./en/machine";
import type palette from "./en/palette";

export interface Words {
  base: typeof base;
  help: typeof help;
  inventory: typeof inventory;
  machine: typeof machine;
  palette: typeof palette;
}
