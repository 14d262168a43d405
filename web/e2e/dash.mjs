// Dashboard with the machine's health, help of every view, the command palette by keyboard alone, an error in the reader's language.
import { open } from "./browser.mjs";

const { url, lang, cookie, cookieName, cn, stopped, views, shots, dark, width } = JSON.parse(process.argv[2]);
const WORDS = {
  en: { help: /^Help: /, health: "Health", stopped: `${stopped} doesn't run`, go: "certif", details: "Show all that was looked at", refused: /^Refused in/ },
  de: {
    help: /^Hilfe: /, health: "Zustand des Systems", stopped: `${stopped} läuft nicht`, go: "zertif", details: "Alles zeigen, was geprüft wurde",
    refused: /^Abgelehnt in/,
  },
};
const b = await open({ url, lang, shots, dark, width });
const { page, w } = b;
const mine = WORDS[lang];
const found = { helped: [] };
try {
  await b.context.addCookies([{ name: cookieName, value: cookie, url, secure: true, httpOnly: true, sameSite: "Strict" }]);
  await page.goto(`${url}/console/`);
  await b.heading(w.dashboard);
  await page.locator(".siegel-figure").first().waitFor();
  await page.getByRole("heading", { name: mine.health }).waitFor();
  await page.getByText(mine.stopped).first().waitFor();
  await page.getByText(mine.refused).first().waitFor();
  found.refused = await page.getByText(mine.refused).count();
  await page.getByRole("button", { name: mine.details }).click();
  await page.locator(".siegel-chart svg").first().waitFor();
  // What a picture shows is there as a table, too.
  await page.locator(".siegel-chart summary").click();
  found.days = await page.locator(".siegel-chart tbody tr").count();
  found.newest = (await page.locator(".siegel-chart tbody tr td:nth-of-type(1)").allInnerTexts()).map((text) => Number(text.replace(/\D/g, "")));
  await b.look("dash");

  const go = (path) => b.go(`/console${path}`);

  // Help: by the key, beside each view; closed by Escape or the key again, and the focus is back on its button.
  for (const view of views) {
    await go(view);
    await b.heading({ "/": w.dashboard, "/issue": w.issue, "/certificates": w.certificates, "/account": w.account2 }[view] ?? /./);
    await page.keyboard.press("F1");
    const heading = page.getByRole("heading", { level: 2, name: mine.help });
    await heading.waitFor();
    await page.waitForFunction(() => document.activeElement?.id === "siegel-help-title");
    found.helped.push([view, await heading.innerText(), await page.locator(".siegel-help li").count()]);
    found.shifted = (found.shifted ?? 0) + (await page.evaluate(() => [...document.querySelectorAll("*")].filter((e) => e.scrollLeft > 0).length));
    if (view === "/issue") {
      await b.look("help");
    }
    await page.keyboard.press(view === views.at(-1) ? "F1" : "Escape");
    await heading.waitFor({ state: "hidden" });
  }
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-keyshortcuts") === "F1");
  found.back = await page.evaluate(() => document.activeElement?.getAttribute("aria-keyshortcuts"));

  // The palette, without a mouse: a place, a certificate, an action.
  const palette = async (text, part) => {
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "combobox");
    await page.keyboard.type(text);
    const option = page.getByRole("option").filter({ hasText: part }).first();
    await option.waitFor();
    for (let i = 0; i < 20 && (await option.getAttribute("aria-selected")) !== "true"; i++) {
      await page.keyboard.press("ArrowDown");
    }
    // What the field calls active is what is shown as chosen.
    await page.waitForFunction(() => {
      const active = document.querySelector('[role="combobox"]')?.getAttribute("aria-activedescendant");
      return active && document.getElementById(active)?.getAttribute("aria-selected") === "true";
    });
    found.active = (await option.getAttribute("aria-selected")) === "true";
  };
  await palette(mine.go, w.certificates);
  await b.look("palette");
  await page.keyboard.press("Enter");
  await b.heading(w.certificates);
  await palette(cn, cn);
  await page.keyboard.press("Enter");
  await b.heading(cn);
  const wasDark = await page.evaluate(() => document.documentElement.classList.contains("pf-v6-theme-dark"));
  await palette(lang === "de" ? "farben" : "theme", lang === "de" ? /Darstellung|Design|Ansicht|Farb/ : /theme/);
  await page.keyboard.press("Enter");
  await page.waitForFunction((was) => document.documentElement.classList.contains("pf-v6-theme-dark") !== was, wasDark);
  await page.keyboard.press("Control+k");
  await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "combobox");
  await page.keyboard.type("there is none such");
  await page.waitForFunction(() => document.querySelectorAll('[role="option"]').length === 0);
  await page.keyboard.press("Escape");
  await page.getByRole("combobox").waitFor({ state: "hidden" });

  // An error, in the reader's language
  await go("/issue");
  await b.heading(w.issue);
  await page.getByRole("textbox", { name: w.csr }).fill("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n");
  await page.getByRole("button", { name: w.doIssue, exact: true }).click();
  await page.locator(".siegel-cause").waitFor();
  found.error = await page.locator(".siegel-cause").innerText();
  found.errorLang = await page.locator(".siegel-cause").getAttribute("lang");
} catch (error) {
  found.failed = String(error);
  if (shots) {
    await page.screenshot({ path: `${shots}/failed-dash-${lang}.png` }).catch(() => {});
  }
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
