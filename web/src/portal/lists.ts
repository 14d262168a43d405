// Lists of serial numbers as people have them: CSV with commas, semicolons or tabs, with a heading or without, as Excel and others save it.

export const MAX_LINES = 5000;

export interface Row {
  /** Its line in the file, from 1. */
  line: number;
  cells: string[];
}

export interface List {
  rows: Row[];
  /** Whether the first row is most likely a heading. */
  heading: boolean;
  /** The column that most likely has the names. */
  column: number;
  columns: number;
}

/** A file's text: UTF-8, UTF-16 with its mark, or what Windows programs of the west write. null: it is no text. */
export function textOf(bytes: Uint8Array): string | null {
  const decode = (label: string, fatal: boolean) => {
    try {
      return new TextDecoder(label, { fatal }).decode(bytes);
    } catch {
      return null;
    }
  };
  const mark = bytes.length > 1 ? `${bytes[0]},${bytes[1]}` : "";
  const text = mark === "255,254" ? decode("utf-16le", true) : mark === "254,255" ? decode("utf-16be", true) : (decode("utf-8", true) ?? decode("windows-1252", false));
  return text === null || text.includes("\0") ? null : text;
}

/** What parts the cells: whichever of them is most often in the first lines, outside of quotes; null when there is one column. */
function separatorOf(text: string): string | null {
  const head = text.slice(0, 4000).replace(/"[^"]*"/g, "");
  const counts = [";", "\t", ","].map((s): [string, number] => [s, head.split(s).length - 1]);
  const best = counts.reduce((a, b) => (b[1] > a[1] ? b : a));
  return best[1] > 0 ? best[0] : null;
}

/** RFC 4180, and what is near it: empty lines count, but aren't rows. */
function rowsOf(text: string, separator: string | null): Row[] {
  const rows: Row[] = [];
  let cells: string[] = [];
  let cell = "";
  let quoted = false;
  let line = 1;
  let begin = 1;
  const endRow = () => {
    cells.push(cell.trim());
    cell = "";
    if (cells.some((c) => c !== "")) {
      rows.push({ line: begin, cells });
    }
    cells = [];
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '"' && text[i + 1] === '"') {
        cell += '"';
        i++;
      } else if (c === '"') {
        quoted = false;
      } else {
        cell += c;
        line += c === "\n" ? 1 : 0;
      }
    } else if (c === '"' && cell.trim() === "") {
      cell = "";
      quoted = true;
    } else if (c === separator) {
      cells.push(cell.trim());
      cell = "";
    } else if (c === "\n" || (c === "\r" && text[i + 1] !== "\n")) {
      endRow();
      begin = ++line;
    } else if (c !== "\r") {
      cell += c;
    }
  }
  endRow();
  return rows;
}

const HEADINGS = /^(serial|serien|s\/?n\b|sn$|name|device|ger[äa]t|nummer|number|id$|asset|inventar)/i;

/** Reads a list. null: there is nothing in it. */
export function readList(text: string): List | null {
  const plain = text.replace(/^\uFEFF/, "").replace(/^sep=.\r?\n/i, "");
  const rows = rowsOf(plain, separatorOf(plain));
  const first = rows[0];
  if (!first) {
    return null;
  }
  const columns = Math.max(...rows.map((r) => r.cells.length));
  const named = first.cells.findIndex((c) => HEADINGS.test(c));
  const heading = named >= 0 && !/\d/.test(first.cells[named] ?? "");
  // Without a word in the heading: the first column that is filled and different in each row.
  const body = heading ? rows.slice(1) : rows;
  const telling = [...Array(columns).keys()].find((i) => body.length > 1 && new Set(body.map((r) => r.cells[i] ?? "")).size === body.length);
  return { rows, heading, column: heading ? named : (telling ?? 0), columns };
}

export interface Name {
  line: number;
  name: string;
}

export function namesOf(list: List, heading: boolean, column: number): Name[] {
  return list.rows.slice(heading ? 1 : 0).map((r) => ({ line: r.line, name: r.cells[column] ?? "" }));
}
