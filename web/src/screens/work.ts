// Work that takes a while, and what waits for people: how far, what to say of it. Plain functions, tested without a browser.
import type { Item } from "../api/plain";
import { number, text } from "../api/plain";
import { csvCell } from "../format";

export const RUNNING = ["queued", "running"];

export function isRunning(job: Item | undefined): boolean {
  return RUNNING.includes(text(job, "status"));
}

/** Percent of a job, or null when nobody knows how much there is. */
export function percentOf(job: Item): number | null {
  const total = job.attributes.total;
  if (text(job, "status") === "done") {
    return 100;
  }
  if (typeof total !== "number" || total <= 0) {
    return null;
  }
  return Math.min(100, Math.floor((100 * (number(job, "done") + number(job, "failed"))) / total));
}

/** Flat lines of what was asked for: "subject.CN: a.example". Texts that are longer than a line are cut, what is nested is named by its path. */
export function linesOf(value: unknown, path = ""): { name: string; value: string }[] {
  if (Array.isArray(value) && value.every((one) => typeof one !== "object" || one === null)) {
    return [{ name: path, value: value.map(String).join(", ") }];
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, one]) => linesOf(one, path ? `${path}.${key}` : key));
  }
  return value === null || value === undefined || value === "" ? [] : [{ name: path, value: String(value) }];
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

/** A query of the audit log: what was left empty isn't in it. */
export function auditQuery(f: { actor: string; action: string; object: string; from: string; to: string }): string {
  const query: string[] = [];
  const put = (name: string, value: string) => {
    if (value.trim()) {
      query.push(`${name}=${encodeURIComponent(value.trim())}`);
    }
  };
  const micros = (value: string, end: boolean) => {
    const at = value ? Date.parse(value) : Number.NaN;
    return Number.isNaN(at) ? "" : String(at * 1000 + (end ? 59_999_999 : 0));
  };
  put("filter[actor]", f.actor);
  put("filter[action]", f.action);
  put("filter[object]", f.object);
  put("filter[at_us][ge]", micros(f.from, false));
  put("filter[at_us][le]", micros(f.to, true));
  return query.join("&");
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
