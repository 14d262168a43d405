// What the command palette finds: plain functions, tested without a browser.

export type Kind = "place" | "action" | "certificate" | "ca" | "profile";

export interface Command {
  id: string;
  kind: Kind;
  text: string;
  /** What tells it from others of the same text. */
  detail?: string;
  /** What is found by as well, beside the text. */
  also?: string;
  run: () => void;
}

/** Without case and accents, so that "uebersicht" isn't asked for, but "ubersicht" finds it. */
export function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** How well the text fits what was typed: 3 begins with it, 2 a word of it does, 1 it has all words somewhere, 0 it doesn't fit. */
export function score(typed: string, text: string): number {
  const wanted = plain(typed).trim();
  const given = plain(text);
  if (!wanted || given.startsWith(wanted)) {
    return 3;
  }
  const words = wanted.split(/\s+/);
  if (!words.every((word) => given.includes(word))) {
    return 0;
  }
  return given.split(/[\s./-]+/).some((word) => word.startsWith(words[0] ?? "")) ? 2 : 1;
}

/** Those that fit, the best first; among equals in their order. */
export function fitting(typed: string, commands: Command[]): Command[] {
  return commands
    .map((command) => ({ command, n: Math.max(score(typed, command.text), command.also ? score(typed, command.also) - 1 : 0) }))
    .filter(({ n }) => n > 0)
    .sort((a, b) => b.n - a.n)
    .map(({ command }) => command);
}

/** The serial number that was typed, as the API has it; null when it is none: at least eight hexadecimal digits. */
export function serialOf(typed: string): string | null {
  const digits = typed.replace(/[\s:]/g, "").toLowerCase();
  return /^[0-9a-f]{8,40}$/.test(digits) ? digits : null;
}

export const KINDS: Kind[] = ["place", "action", "certificate", "ca", "profile"];

/** In groups as they are shown: each kind once, in the order of KINDS. */
export function grouped(commands: Command[]): { kind: Kind; commands: Command[] }[] {
  return KINDS.map((kind) => ({ kind, commands: commands.filter((one) => one.kind === kind) })).filter((group) => group.commands.length > 0);
}
