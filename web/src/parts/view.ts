// The standard view has what most people need every day; the expert view everything that there is. Which one stays with the browser.
import { useSyncExternalStore } from "react";

const STORED = "siegel.view";
const listeners = new Set<() => void>();

function stored(): boolean {
  try {
    return localStorage.getItem(STORED) === "expert";
  } catch {
    return false;
  }
}

let expert = stored();

export function chooseView(to: "standard" | "expert"): void {
  expert = to === "expert";
  try {
    localStorage.setItem(STORED, to);
  } catch {
    // without storage it holds for this page
  }
  listeners.forEach((tell) => tell());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useExpert(): boolean {
  return useSyncExternalStore(subscribe, () => expert);
}
