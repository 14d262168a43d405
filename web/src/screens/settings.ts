// Metadata as lines "key: value", as people type it. Plain functions, tested without a browser.

export function metadataLines(metadata: unknown): string {
  return typeof metadata === "object" && metadata !== null
    ? Object.entries(metadata)
        .map(([key, value]) => `${key}: ${String(value)}`)
        .join("\n")
    : "";
}

/** null for a line that has no colon, or a key that isn't one. */
export function metadataOf(lines: string): Record<string, string> | null {
  const all: Record<string, string> = {};
  for (const line of lines.split("\n").filter((one) => one.trim() !== "")) {
    const colon = line.indexOf(":");
    const key = line.slice(0, Math.max(0, colon)).trim();
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(key)) {
      return null;
    }
    all[key] = line.slice(colon + 1).trim();
  }
  return all;
}

interface Setting {
  attributes: Record<string, unknown>;
}

/** Whether siegel.conf takes the value: a number within its bounds, a path that is absolute, a text of one line. */
export function settingFault(setting: Setting, value: string): boolean {
  const { value_type: type, minimum, maximum } = setting.attributes;
  const typed = value.trim();
  if (type === "number") {
    return !/^-?\d{1,15}$/.test(typed) || Number(typed) < Number(minimum) || Number(typed) > Number(maximum);
  }
  return /[\n\r]/.test(value) || (type === "path" && typed !== "" && !typed.startsWith("/"));
}

/** The line of siegel.conf, under its section. */
export function confOf(setting: Setting, value: string): string {
  return `[${String(setting.attributes.section)}]\n${String(setting.attributes.key)} = ${value.trim()}\n`;
}

/** A length that people read, in the largest unit that is whole; null below a minute. */
export function lengthOfSeconds(seconds: number): { unit: "day" | "hour" | "minute"; count: number } | null {
  const found = ([["day", 86400], ["hour", 3600], ["minute", 60]] as const).find(([, size]) => seconds >= size && seconds % size === 0);
  return found ? { unit: found[0], count: seconds / found[1] } : null;
}
