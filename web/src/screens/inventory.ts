// The inventory's query: what stands in the page's address becomes the API's, so that an address can be kept and sent to somebody.

export const ATTRIBUTES = ["name", "names", "serial", "subject", "issuer", "profile", "owner", "requestor", "metadata"] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

/** How the attribute is asked for: a part of it, or all of it where the API has names for it or an exact index. */
const FILTER: Record<Attribute, (value: string, key: string) => [string, string]> = {
  name: (value) => ["filter[common_name][contains]", value],
  names: (value) => ["filter[names][contains]", value],
  serial: (value) => ["filter[serial]", value.replace(/[^0-9A-Fa-f]/g, "").toLowerCase()],
  subject: (value) => ["filter[subject][contains]", value],
  issuer: (value) => ["filter[issuer]", value],
  profile: (value) => ["filter[profile]", value],
  owner: (value) => ["filter[owner][contains]", value],
  requestor: (value) => ["filter[requestor][contains]", value],
  metadata: (value, key) => [`filter[metadata.${key}][contains]`, value],
};

export const SORTS = ["common_name", "not_before", "not_after", "created_at"] as const;
export const SIZES = [20, 50, 100] as const;
export const STATES = ["issued", "held", "revoked"] as const;

/** What is asked of the API for the page's address; after: the cursor. Whatever isn't known is left out. */
export function queryOf(address: URLSearchParams, after: string | null): Record<string, string> {
  const query: Record<string, string> = {};
  for (const attribute of ATTRIBUTES) {
    const value = address.get(attribute)?.trim();
    const key = address.get("key")?.trim() ?? "";
    if (value && (attribute !== "metadata" || /^[A-Za-z0-9_.-]{1,64}$/.test(key))) {
      const [name, text] = FILTER[attribute](value, key);
      if (text) {
        query[name] = text;
      }
    }
  }
  const state = address.get("status");
  if (STATES.some((one) => one === state)) {
    query["filter[status]"] = state ?? "";
  }
  const before = address.get("before");
  if (before && /^\d{4}-\d{2}-\d{2}$/.test(before)) {
    query["filter[not_after][lt]"] = before;
    query["filter[not_after][ge]"] = new Date().toISOString().slice(0, 10);
  }
  const sort = address.get("sort") ?? "";
  if (SORTS.some((one) => one === sort.replace(/^-/, ""))) {
    query.sort = sort;
  }
  const size = Number(address.get("size"));
  query["page[size]"] = String(SIZES.find((one) => one === size) ?? SIZES[0]);
  if (after) {
    query["page[after]"] = after;
  }
  return query;
}

/** Whether anything narrows the list. */
export function isFiltered(address: URLSearchParams): boolean {
  return [...ATTRIBUTES, "status", "before"].some((name) => address.get(name));
}
