// One structured value, seen as a form and as text: what is changed in one is changed in the other, and text that is no JSON stays as it was typed.
import { useRef, useState } from "react";
import { type Fault, readJson, writeJson } from "./json";

export interface Structure {
  text: string;
  /** undefined while the text is no JSON. */
  value: unknown;
  /** The last that was one. */
  last: unknown;
  fault: Fault | null;
  setText: (text: string) => void;
  setValue: (value: unknown) => void;
  changed: boolean;
}

export function useStructure(initial: unknown): Structure {
  const [before] = useState(() => writeJson(initial));
  const [text, setText] = useState(before);
  const read = readJson(text);
  const last = useRef<unknown>(initial);
  if (!read.fault) {
    last.current = read.value;
  }
  return { text, value: read.value, last: last.current, fault: read.fault, setText, setValue: (value) => setText(writeJson(value)), changed: text !== before };
}
