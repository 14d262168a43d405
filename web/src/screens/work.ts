// Work that takes a while, and what waits for people: how far, what to say of it. Plain functions, tested without a browser.
import { type Item, text } from "../api/rest";
import { csvCell } from "../format";

/** What an object has anything to say of; what is empty is left out. */
export function filledOf(value: unknown): [string, unknown][] {
  const all = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return all.filter(([, one]) => one !== null && one !== undefined && one !== "");
}

/** Certificates, requests and the like, which are shown to be copied. */
export function isPem(value: unknown): value is string {
  return typeof value === "string" && value.includes("-----BEGIN");
}

export interface Decision {
  account: string;
  approves: boolean;
  comment: string | null;
  at: string;
}

/** What somebody can do with an approval: who asked takes it back, others decide, once. */
export function dutiesOf(approval: Item, me: string, decides: boolean): { decide: boolean; withdraw: boolean; mine: boolean; decided: boolean } {
  const mine = text(approval, "requestor").replace(/^rest:/, "") === me;
  const open = text(approval, "status") === "open";
  const decisions = (approval.attributes.decisions ?? []) as Decision[];
  const decided = decisions.some((d) => String(d.account).replace(/^rest:/, "") === me);
  return { mine, decided, decide: open && decides && !mine && !decided, withdraw: mine && (open || text(approval, "status") === "approved") };
}

/** A query of the audit log; what was left empty is asked of nobody. */
export function auditQuery(f: { actor: string; action: string; kind: string; object: string; from: string; to: string }): Record<string, string> {
  const micros = (value: string, end: boolean) => {
    const at = value ? Date.parse(value) : Number.NaN;
    return Number.isNaN(at) ? "" : String(at * 1000 + (end ? 59_999_999 : 0));
  };
  const [kind, object] = [f.kind.trim(), f.object.trim()];
  const all = {
    "filter[actor]": f.actor.trim() && !/:|^(setup|ca)$/.test(f.actor.trim()) ? `rest:${f.actor.trim()}` : f.actor.trim(), "filter[action]": f.action.trim(),
    "filter[object]": object && kind && !object.includes("/") ? `${kind}/${object}` : object,
    "filter[object][contains]": kind && !object ? `${kind}/` : "",
    "filter[at_us][ge]": micros(f.from, false), "filter[at_us][le]": micros(f.to, true),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
}

/** Rows of the log as CSV. */
export function csvOf(rows: readonly Item[], columns: readonly string[]): string {
  const cell = (value: unknown) => {
    const plain = value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
    return csvCell(plain);
  };
  return [columns.map(csvCell).join(","), ...rows.map((row) => columns.map((c) => cell(row.attributes[c])).join(","))].join("\r\n") + "\r\n";
}

/** base64 of a text in UTF-8. */
export function base64Of(plain: string): string {
  return btoa(Array.from(new TextEncoder().encode(plain), (byte) => String.fromCharCode(byte)).join(""));
}
