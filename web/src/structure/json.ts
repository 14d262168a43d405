// JSON as people type it: read strictly, and told where and why when it isn't any. Plain functions, tested without a browser.

export type Cause = "empty" | "end" | "value" | "comma" | "colon" | "key" | "text" | "escape" | "number" | "large" | "twice" | "after" | "deep" | "last";
export interface Fault {
  line: number;
  column: number;
  cause: Cause;
  /** What stands there. */
  found: string;
}
export type Read = { value: unknown; fault: null } | { value: undefined; fault: Fault };

const DEEPEST = 64;
const ESCAPES: Record<string, string> = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

class Stop extends Error {
  constructor(
    readonly at: number,
    readonly reason: Cause,
    readonly found = "",
  ) {
    super(reason);
  }
}

class Reader {
  at = 0;
  constructor(readonly text: string) {}

  blank(): void {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) {
      this.at++;
    }
  }

  stop(cause: Cause): never {
    const here = this.text.slice(this.at).split(/[\s,:\]}]/)[0] || (this.text[this.at] ?? "");
    throw new Stop(this.at, this.at >= this.text.length ? (cause === "empty" ? "empty" : "end") : cause, here.slice(0, 20));
  }

  value(depth: number): unknown {
    this.blank();
    if (depth > DEEPEST) {
      this.stop("deep");
    }
    const c = this.text[this.at];
    if (c === "{") {
      return this.object(depth);
    }
    if (c === "[") {
      return this.array(depth);
    }
    if (c === '"') {
      return this.string();
    }
    for (const [word, value] of [["true", true], ["false", false], ["null", null]] as const) {
      if (this.text.startsWith(word, this.at) && !/\w/.test(this.text[this.at + word.length] ?? "")) {
        this.at += word.length;
        return value;
      }
    }
    return c !== undefined && /[-0-9]/.test(c) ? this.number() : this.stop(depth === 0 ? "empty" : "value");
  }

  number(): number {
    const found = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/.exec(this.text.slice(this.at))?.[0];
    if (!found || /[\w.]/.test(this.text[this.at + found.length] ?? "")) {
      this.stop("number");
    }
    const value = Number(found);
    // What a browser can't hold would come back as another number.
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      this.stop("large");
    }
    this.at += found.length;
    return value;
  }

  string(): string {
    let text = "";
    for (this.at++; ; this.at++) {
      const c = this.text[this.at];
      if (c === undefined) {
        this.stop("end");
      } else if (c === '"') {
        this.at++;
        return text;
      } else if (c < " ") {
        this.stop("text");
      } else if (c !== "\\") {
        text += c;
      } else {
        text += this.escaped();
      }
    }
  }

  escaped(): string {
    const c = this.text[++this.at] ?? "";
    const hex = /^u([0-9a-fA-F]{4})/.exec(this.text.slice(this.at, this.at + 5))?.[1];
    if (hex) {
      this.at += 4;
      return String.fromCharCode(parseInt(hex, 16));
    }
    return ESCAPES[c] ?? this.stop("escape");
  }

  /** Behind an item: another one follows, or it was the last. */
  more(end: "]" | "}"): boolean {
    this.blank();
    if (this.text[this.at] === end) {
      this.at++;
      return false;
    }
    if (this.text[this.at] !== ",") {
      this.stop("comma");
    }
    const comma = this.at++;
    this.blank();
    if (this.text[this.at] === end) {
      this.at = comma;
      this.stop("last");
    }
    return true;
  }

  array(depth: number): unknown[] {
    const list: unknown[] = [];
    this.at++;
    this.blank();
    if (this.text[this.at] === "]") {
      this.at++;
      return list;
    }
    do {
      list.push(this.value(depth + 1));
    } while (this.more("]"));
    return list;
  }

  object(depth: number): Record<string, unknown> {
    const all = new Map<string, unknown>();
    this.at++;
    this.blank();
    if (this.text[this.at] === "}") {
      this.at++;
      return {};
    }
    do {
      this.blank();
      if (this.text[this.at] !== '"') {
        this.stop("key");
      }
      const begin = this.at;
      const key = this.string();
      if (all.has(key)) {
        throw new Stop(begin, "twice", key.slice(0, 40));
      }
      this.blank();
      if (this.text[this.at] !== ":") {
        this.stop("colon");
      }
      this.at++;
      all.set(key, this.value(depth + 1));
    } while (this.more("}"));
    return Object.fromEntries(all);
  }
}

/** The value of a text, or line, column and cause of what is wrong with it. */
export function readJson(text: string): Read {
  const reader = new Reader(text);
  try {
    const value = reader.value(0);
    reader.blank();
    if (reader.at < text.length) {
      reader.stop("after");
    }
    return { value, fault: null };
  } catch (error) {
    if (!(error instanceof Stop)) {
      throw error;
    }
    const before = text.slice(0, error.at).split("\n");
    return { value: undefined, fault: { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, cause: error.reason, found: error.found } };
  }
}

/** As it is shown: one member a line, short lists on one. */
export function writeJson(value: unknown, indent = 0): string {
  const line = JSON.stringify(value) as string | undefined;
  if (line === undefined) {
    return "null";
  }
  if (value === null || typeof value !== "object" || (Array.isArray(value) && line.length + indent <= 100 && value.every((one) => one === null || typeof one !== "object"))) {
    return Array.isArray(value) ? `[${value.map((one) => JSON.stringify(one)).join(", ")}]` : line;
  }
  const pad = " ".repeat(indent + 2);
  const parts = Array.isArray(value)
    ? value.map((one) => pad + writeJson(one, indent + 2))
    : Object.entries(value).map(([key, one]) => `${pad}${JSON.stringify(key)}: ${writeJson(one, indent + 2)}`);
  const [begin, end] = Array.isArray(value) ? "[]" : "{}";
  return parts.length === 0 ? line : `${begin}\n${parts.join(",\n")}\n${" ".repeat(indent)}${end}`;
}
