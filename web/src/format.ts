// How things are shown, and what is worked out of them: plain functions, tested without a browser.

/** The browser's own way of the language, such as en-GB; else the language's. */
export function locale(language: string): string {
  return navigator.languages.find((one) => one.toLowerCase().startsWith(`${language}-`)) ?? language;
}

export function date(language: string, text: string | null | undefined): string {
  const when = text ? new Date(text) : null;
  return when && !Number.isNaN(when.getTime()) ? new Intl.DateTimeFormat(locale(language), { dateStyle: "medium" }).format(when) : "–";
}

export function instant(language: string, text: string | null | undefined): string {
  const when = text ? new Date(text) : null;
  const style = { dateStyle: "medium", timeStyle: "short" } as const;
  return when && !Number.isNaN(when.getTime()) ? new Intl.DateTimeFormat(locale(language), style).format(when) : "–";
}

export function count(language: string, n: number): string {
  return new Intl.NumberFormat(locale(language)).format(n);
}

/** "0a1b2c" → "0A:1B:2C". */
export function octets(hex: string | undefined): string {
  return (hex ?? "").toUpperCase().replace(/(..)(?=.)/g, "$1:");
}

export type State = "issued" | "revoked" | "held" | "expired" | "notYet";

/** What a certificate is today: the store says whether it is revoked, the clock whether it is valid. */
export function stateOf(a: { status?: string; not_before?: string; not_after?: string }, now = Date.now()): State {
  if (a.status === "revoked" || a.status === "held") {
    return a.status;
  }
  if (a.not_after && Date.parse(a.not_after) < now) {
    return "expired";
  }
  return a.not_before && Date.parse(a.not_before) > now ? "notYet" : "issued";
}

/** Lines, or what commas and semicolons part, without blanks and without what comes twice. */
export function list(text: string): string[] {
  const found = text.split(/[\s,;]+/).filter(Boolean);
  return [...new Set(found)];
}

/** A file's name of somebody's text: nothing in it leads out of the folder for downloads, or hides what it is. */
export function fileName(text: string | null | undefined, ending: string): string {
  const plain = (text ?? "").replace(/[^A-Za-z0-9._-]+/g, "_").replace(/^[._-]+/, "").slice(0, 80);
  return `${plain || "certificate"}.${ending}`;
}

/** The first that is free of the query's next cursor: "https://…?page[after]=abc" → "abc". */
export function cursorOf(next: string | null | undefined): string | null {
  if (!next) {
    return null;
  }
  const at = next.indexOf("?");
  return at < 0 ? null : new URLSearchParams(next.slice(at + 1)).get("page[after]");
}

/** What a browser calls itself, in few words. */
export function browserOf(agent: string | undefined): string {
  const known: [RegExp, string][] = [
    [/Edg\/(\d+)/, "Edge"],
    [/OPR\/(\d+)/, "Opera"],
    [/Firefox\/(\d+)/, "Firefox"],
    [/(?:Chrome|Chromium)\/(\d+)/, "Chrome"],
    [/Version\/(\d+).*Safari/, "Safari"],
  ];
  for (const [pattern, name] of known) {
    const found = pattern.exec(agent ?? "");
    if (found) {
      return `${name} ${found[1]}`;
    }
  }
  return (agent ?? "").slice(0, 40);
}

/** "1,234 bytes" in the unit that fits: 12.1 MB. */
export function bytes(language: string, n: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
  const power = n > 0 ? Math.min(Math.floor(Math.log10(n) / 3), units.length - 1) : 0;
  const style = { style: "unit", unit: units[power], unitDisplay: "short", maximumFractionDigits: power > 0 ? 1 : 0 } as const;
  return new Intl.NumberFormat(locale(language), style).format(n / 1000 ** power);
}

/** What a spreadsheet begins a formula with, also in full width, and what it drops before looking. */
const FORMULA = /^(?:[\t\r\n]| *[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/;

/** A cell of CSV (RFC 4180) that no spreadsheet takes for a formula, by the rules of the API's own exports (api/export.c): lists are separated by
    semicolons elsewhere, and a cell begins behind one there, quotes or not. */
export function csvCell(text: string): string {
  const safe = text.replace(/^|(?<=;)/g, (_, at: number) => (FORMULA.test(at > 0 ? text.slice(at).replace(/^"+/, "") : text) ? "'" : ""));
  // What a terminal would obey is no text.
  return `"${safe.replace(/[\0-\x08\x0B\x0C\x0E-\x1F\x7F]/g, "\uFFFD").replaceAll('"', '""')}"`;
}
