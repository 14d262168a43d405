// Dark or light: what theme.js set before anything was drawn, and who changes it tells all that show it.
import { useSyncExternalStore } from "react";

const DARK = "pf-v6-theme-dark";
const listeners = new Set<() => void>();

const isDark = () => document.documentElement.classList.contains(DARK);

export function toggleTheme(): void {
  const dark = !isDark();
  document.documentElement.classList.toggle(DARK, dark);
  try {
    localStorage.setItem("siegel.theme", dark ? "dark" : "light");
  } catch {
    // without storage it holds for this page
  }
  listeners.forEach((tell) => tell());
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

export function useDark(): boolean {
  return useSyncExternalStore(subscribe, isDark);
}
