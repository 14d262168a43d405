// What lies beside or over every page: its help (F1, ?), and where there is one the command palette (Ctrl or Cmd with K).
import { useEffect, useRef, useState } from "react";

/** Whether somebody types: then a "?" is a question mark. */
export function types(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

export function useBeside(withPalette = true) {
  const [help, setHelp] = useState(false);
  const open = useRef(help);
  open.current = help;
  const [palette, setPalette] = useState(false);
  const helpButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (withPalette && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setPalette(true);
      } else if (event.key === "F1" || (event.key === "?" && !types(event.target) && !event.ctrlKey && !event.metaKey)) {
        event.preventDefault();
        setHelp(!open.current);
        if (open.current) {
          helpButton.current?.focus(); // it may have been in what goes
        }
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [withPalette]);
  const closeHelp = () => {
    setHelp(false);
    helpButton.current?.focus();
  };
  return { help, setHelp, closeHelp, helpButton, palette, setPalette };
}
