import { act, render, waitFor } from "@testing-library/react";
import { createElement, Suspense } from "react";
import { expect, it, vi } from "vitest";
import { begin, bring, chooseLanguage, i18n } from "./index";
import { worded } from "./worded";

const sources: Record<string, string> = import.meta.glob(["../**/*.{ts,tsx}", "!../**/*.test.*", "!../**/*.gen.ts", "!./{de,en,german}/**"], {
  eager: true, query: "?raw", import: "default",
});

/** The file that is meant by a name which another one gives it. */
function named(by: string, name: string): string {
  const path = new URL(name, `file:///src/i18n/${by}`).pathname;
  const found = ["", ".ts", ".tsx", "/index.ts"].map((end) => `${path}${end}`).find((one) => byPath.has(one));
  return found ? (byPath.get(found) ?? "") : "";
}
const byPath = new Map(Object.keys(sources).map((file) => [new URL(file, "file:///src/i18n/").pathname, file]));

/** Those that come with a file; types are nothing that would come. */
function imported(file: string): string[] {
  const found = [];
  for (const [, what = "", name = ""] of (sources[file] ?? "").matchAll(/^(?:import|export) (?!type )(?:([^;"]*?)\s*from )?"(\.[^"]+)";/gm)) {
    const parts = /^\{([^}]*)\}$/s.exec(what.trim())?.[1]?.split(",").filter((one) => one.trim());
    if (!parts?.every((one) => one.trim().startsWith("type "))) {
      found.push(named(file, name));
    }
  }
  return found.filter(Boolean);
}

/** The areas that a file uses with all that come with it. */
function areas(file: string): string[] {
  const files = new Set([file]);
  for (const one of files) {
    imported(one).forEach((other) => files.add(other));
  }
  const found = [...files].flatMap((one) => [...(sources[one] ?? "").matchAll(/useTranslation\("(\w+)"\)/g)].map(([, area = ""]) => area));
  return [...new Set(found)].sort();
}

const strings = (text: string) => [...text.matchAll(/"(\w+)"/g)].map(([, word = ""]) => word).sort();

it("brings each part with the words of all that it imports", () => {
  const wanted: Record<string, string[]> = {};
  const given: Record<string, string[]> = {};
  for (const [file, text] of Object.entries(sources)) {
    for (const [, name = "", list = ""] of text.matchAll(/worded\(\(\) => import\("([^"]+)"\)([^)]*)\)/g)) {
      const part = `${file}: ${name}`;
      expect(named(file, name), part).not.toBe("");
      wanted[part] = areas(named(file, name));
      given[part] = strings(list);
    }
    for (const [, list = ""] of text.matchAll(/^await start\(<\w+ \/>([^)]*)\);$/gm)) {
      wanted[file] = areas(file);
      given[file] = strings(list);
    }
  }
  expect(Object.keys(wanted).length).toBeGreaterThan(35);
  expect(wanted).toHaveProperty(["../main.tsx"]);
  expect(wanted).toHaveProperty(["../portal/main.tsx"]);
  expect(wanted["../places.tsx: ./screens/Inventory"]).toContain("resources"); // far away: by what shows a job
  expect(given).toEqual(wanted);
});

it("knows no other way to words than those it looks for", () => {
  const other = Object.entries(sources).flatMap(([file, text]) =>
    [...text.matchAll(/useTranslation\((?!\)|"\w+"\)).*|\bns=.*|\bns: (?!"base").*|(?<!worded\(\(\) => )import\("\.(?!\/german\/).*|\blazy\(.*|\bloadNamespaces\(.*/g)].map(([found]) => `${file}: ${found}`),
  );
  expect(other).toEqual([
    expect.stringMatching(/^.\/index.ts: ns: \["base", ...areas\]/),
    expect.stringMatching(/^.\/index.ts: loadNamespaces\(areas\)/),
    expect.stringMatching(/^.\/worded.ts: lazy\(/),
  ]);
});

it("fetches words beside the code, and shows nothing before both are there", async () => {
  const done: (() => void)[] = [];
  const words = vi.spyOn(i18n, "loadNamespaces").mockImplementation(() => new Promise<void>((resolve) => done.push(resolve)));
  const Part = worded(() => new Promise<{ default: () => string }>((resolve) => done.push(() => resolve({ default: () => "the part" }))), "work");
  const { container } = render(createElement(Suspense, { fallback: "waiting" }, createElement(Part)));
  await waitFor(() => expect(done).toHaveLength(2));
  expect(words).toHaveBeenCalledWith(["work"]);
  await act(async () => done[0]?.());
  expect(container.textContent).toBe("waiting");
  await act(async () => done[1]?.());
  await waitFor(() => expect(container.textContent).toBe("the part"));
  words.mockRestore();
});

it("brings them in the language that is being changed to, and the change brings all that came before", async () => {
  await begin([]);
  expect(i18n.language).toBe("en");
  await bring(["audit"]);
  chooseLanguage("de");
  await bring(["keys"]);
  expect(i18n.language).toBe("de");
  expect(["base", "audit", "keys"].map((area) => i18n.hasResourceBundle("de", area))).toEqual([true, true, true]);
  expect(i18n.hasResourceBundle("en", "keys")).toBe(false);
});
