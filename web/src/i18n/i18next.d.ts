import type { Words } from "./words";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "base";
    resources: Words;
  }
}
