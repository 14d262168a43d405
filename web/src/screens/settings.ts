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
