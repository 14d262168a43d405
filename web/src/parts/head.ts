// Where the keyboard stands when another page has come: at its heading, not where the one before it ended.
import { type RefObject, useEffect, useRef } from "react";
import { useLocation } from "react-router";
import { types } from "./beside";

// The address whose heading had the focus last; null: nothing has been shown yet, and the browser begins where it always does.
let shown: string | null = null;
// That heading: a page that was waiting for its thing has another one once it is there.
let held: HTMLElement | null = null;

/** Whatever comes next is a new page, even at the same address: somebody has signed in. */
export function expectPage(): void {
  shown = "";
}

/** Focuses the heading of the page when its address isn't the one that was shown last, or when the heading that had the focus is gone; gives whether it was. */
export function arrive(address: string): boolean {
  const first = shown === null;
  const lost = held !== null && !held.isConnected && (document.activeElement === null || document.activeElement === document.body);
  const same = shown === address && !lost;
  shown = address;
  const main = document.getElementById("main");
  const heading = main?.querySelector<HTMLElement>("h1");
  // Who types already is where he wants to be.
  if (first || same || !heading || (main?.contains(document.activeElement) && types(document.activeElement))) {
    return false;
  }
  heading.tabIndex = -1;
  heading.focus();
  held = heading;
  return true;
}

/** The browser's title of a page, and the focus at its h1 whenever the address leads to another one. */
export function useHead(title: string): void {
  const { pathname } = useLocation();
  useEffect(() => {
    document.title = `${title} · Siegel`;
  }, [title]);
  useEffect(() => {
    arrive(pathname);
  }, [pathname]);
}

/** What came of something, in the place of its form: it has the focus as soon as it is there, so that nobody has to look for it. */
export function useArrival<T extends HTMLElement>(): RefObject<T | null> {
  const result = useRef<T>(null);
  useEffect(() => {
    result.current?.focus();
  }, []);
  return result;
}

/** When what was done took away the button that had the focus, the heading has it: for whoever works with the keyboard would be back at the beginning. */
export function useFocusKept(state: string): void {
  const before = useRef(state);
  useEffect(() => {
    if (before.current !== state && (document.activeElement === null || document.activeElement === document.body)) {
      const heading = document.querySelector<HTMLElement>("#main h1");
      if (heading) {
        heading.tabIndex = -1;
        heading.focus();
      }
    }
    before.current = state;
  }, [state]);
}

/** Where a fault is said: it comes into view, and has the focus when what was pressed has lost it, for a button that works can't have it. Who types goes on typing. */
export function useFault(there: boolean): RefObject<HTMLDivElement | null> {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const at = document.activeElement;
    if (there && (!at || at === document.body || at.tagName === "BUTTON")) {
      place.current?.focus();
    } else if (there && types(at)) {
      place.current?.scrollIntoView({ block: "nearest" });
    }
  }, [there]);
  return place;
}

/** Where it says which step one is at: it has the focus when another step has come, since the button that led there is gone. */
export function useStep(step: number): RefObject<HTMLParagraphElement | null> {
  const place = useRef<HTMLParagraphElement>(null);
  const last = useRef(step);
  useEffect(() => {
    if (last.current !== step) {
      last.current = step;
      place.current?.focus();
    }
  }, [step]);
  return place;
}
