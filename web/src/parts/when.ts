// Dates and instants as they are typed: in the way of the console's language, or as ISO 8601. Plain functions, tested without a browser.
import { locale } from "../format";

const LETTERS = { de: { day: "TT", month: "MM", year: "JJJJ" }, en: { day: "DD", month: "MM", year: "YYYY" } } as const;
const TIME = { de: "HH:MM", en: "hh:mm" } as const;

type Part = "day" | "month" | "year";

/** The order of the parts, and what stands between them. */
function orderOf(language: string): { order: Part[]; between: string } {
  const parts = new Intl.DateTimeFormat(locale(language), { day: "2-digit", month: "2-digit", year: "numeric" }).formatToParts(new Date(2030, 0, 31));
  const order = parts.map((p) => p.type).filter((p): p is Part => p === "day" || p === "month" || p === "year");
  return order.length === 3 ? { order, between: parts.find((p) => p.type === "literal")?.value.trim() || "." } : { order: ["year", "month", "day"], between: "-" };
}

/** How it is to be typed: "TT.MM.JJJJ HH:MM". */
export function wayOfWhen(language: string, time: boolean): string {
  const known = language === "de" ? "de" : "en";
  const { order, between } = orderOf(language);
  return order.map((p) => LETTERS[known][p]).join(between) + (time ? ` ${TIME[known]}` : "");
}

/** "2030-01-31T10:20" → "31.01.2030 10:20". */
export function shownWhen(language: string, value: string): string {
  const found = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d:\d\d))?/.exec(value);
  if (!found) {
    return value;
  }
  const { order, between } = orderOf(language);
  const all: Record<Part, string> = { year: found[1] ?? "", month: found[2] ?? "", day: found[3] ?? "" };
  return order.map((p) => all[p]).join(between) + (found[4] ? ` ${found[4]}` : "");
}

/** What was typed, as 2030-01-31 or 2030-01-31T10:20 (where a time is wanted and none typed: the day's beginning); null: it is none. */
export function readWhen(language: string, typed: string, time: boolean): string | null {
  const [day = "", clock, more] = typed.trim().split(/[\sT,]+/);
  const numbers = day.split(/[.\-/]/).filter(Boolean);
  if (more !== undefined || (clock !== undefined && !time) || numbers.length !== 3 || numbers.some((n) => !/^\d{1,4}$/.test(n))) {
    return null;
  }
  if (numbers[0]?.length === 4 && !/^\d{4}-\d\d-\d\d$/.test(day)) {
    return null; // somebody is still typing
  }
  const order: Part[] = numbers[0]?.length === 4 ? ["year", "month", "day"] : orderOf(language).order;
  const of = (part: Part) => numbers[order.indexOf(part)] ?? "";
  const date = `${of("year")}-${of("month").padStart(2, "0")}-${of("day").padStart(2, "0")}`;
  const at = /^(\d{1,2}):(\d\d)(?::\d\d)?$/.exec(clock ?? "0:00");
  if (of("year").length !== 4 || !at || Number(at[1]) > 23 || Number(at[2]) > 59) {
    return null;
  }
  // 31.02. would be March.
  const real = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(real.getTime()) || real.toISOString().slice(0, 10) !== date) {
    return null;
  }
  return time ? `${date}T${(at[1] ?? "").padStart(2, "0")}:${at[2] ?? ""}` : date;
}
