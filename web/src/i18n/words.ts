// The areas of the console's words, each a file for each language (en/<area>.ts, de/<area>.ts), loaded when a screen first asks for it by
// useTranslation("<area>"). "base" is there from the beginning.
import type approvals from "./en/approvals";
import type audit from "./en/audit";
import type base from "./en/base";
import type enrolment from "./en/enrolment";
import type hierarchy from "./en/hierarchy";
import type keys from "./en/keys";
import type rules from "./en/rules";
import type secrets from "./en/secrets";
import type settings from "./en/settings";
import type work from "./en/work";

export interface Words {
  base: typeof base;
  approvals: typeof approvals;
  audit: typeof audit;
  enrolment: typeof enrolment;
  hierarchy: typeof hierarchy;
  keys: typeof keys;
  rules: typeof rules;
  secrets: typeof secrets;
  settings: typeof settings;
  work: typeof work;
}
