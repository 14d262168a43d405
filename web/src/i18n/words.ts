// The areas of the console's words, each a file for each language (en/<area>.ts, de/<area>.ts), loaded with the part that uses it
// (worded.ts). "base" is there from the beginning.
import type actions from "./en/actions";
import type access from "./en/access";
import type approvals from "./en/approvals";
import type audit from "./en/audit";
import type base from "./en/base";
import type resources from "./en/resources";
import type enrolment from "./en/enrolment";
import type help from "./en/help";
import type hierarchy from "./en/hierarchy";
import type inventory from "./en/inventory";
import type keys from "./en/keys";
import type machine from "./en/machine";
import type palette from "./en/palette";
import type portal from "./en/portal";
import type portalHelp from "./en/portalHelp";
import type rules from "./en/rules";
import type secrets from "./en/secrets";
import type settings from "./en/settings";
import type structures from "./en/structures";
import type work from "./en/work";

export interface Words {
  access: typeof access;
  /** Looked up by the actions' names (parts/audited.tsx). */
  actions: Pick<typeof actions, "audit.key">;
  approvals: typeof approvals;
  audit: typeof audit;
  base: typeof base;
  /** What stands around; the tables in it are too large for the types of keys, and are looked up (resources/words.ts). */
  resources: Pick<typeof resources, "screen">;
  enrolment: typeof enrolment;
  help: typeof help;
  hierarchy: typeof hierarchy;
  inventory: typeof inventory;
  keys: typeof keys;
  machine: typeof machine;
  palette: typeof palette;
  portal: typeof portal;
  portalHelp: typeof portalHelp;
  rules: typeof rules;
  secrets: typeof secrets;
  settings: typeof settings;
  /** The tables in it are looked up (structure/words.ts). */
  structures: Omit<typeof structures, "members" | "help" | "values">;
  work: typeof work;
}

/** What a part may want besides what is always there. */
export type Area = Exclude<keyof Words, "base">;
