// A heading that is shown stays, however late the words of what is below it come: each page is opened by itself, with all files of words held back.
// Prints what it found as JSON.
import { readdirSync } from "node:fs";
import { open } from "./browser.mjs";

const { url, lang, cookie, cookieName, pages, held } = JSON.parse(process.argv[2]);
const b = await open({ url, lang });
const { page, w } = b;
const found = { headings: {}, lost: {}, late: [] };
const areas = readdirSync(new URL("../src/i18n/en", import.meta.url)).map((file) => file.replace(".ts", ""));
const words = new RegExp(`/assets/(${areas.join("|")})-[^/]+\\.js$`);

const settled = async () => {
  await page.locator("#main h1").first().waitFor();
  await page.waitForFunction(() => !document.querySelector("#main .pf-v6-c-skeleton, #main .pf-v6-c-spinner"));
  await page.waitForLoadState("networkidle");
};
/** What was seen until now, and where nothing was to be seen in its place. */
const seen = async (name) => {
  found.headings[name] = await page.evaluate(() => window.siegelHeadings);
  found.lost[name] = await page.evaluate(() => window.siegelLost);
};

try {
  await b.context.addCookies([{ name: cookieName, value: cookie, url, secure: true, httpOnly: true, sameSite: "Strict" }]);
  await page.addInitScript(() => {
    window.siegelHeadings = [];
    window.siegelLost = [];
    const watch = () => {
      const heading = [...document.querySelectorAll("#main h1")].find((one) => one.checkVisibility());
      const before = window.siegelHeadings.at(-1);
      if (heading && heading.textContent !== before) {
        window.siegelHeadings.push(heading.textContent);
      }
      if (!heading && before !== undefined) {
        window.siegelLost.push(`${before}: ${document.getElementById("main")?.innerText.slice(0, 200) ?? "nothing at all"}`);
      }
    };
    new MutationObserver(watch).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  });
  await page.route(words, async (route) => {
    found.late.push(words.exec(route.request().url())[1]);
    await new Promise((resolve) => setTimeout(resolve, held));
    await route.continue();
  });
  for (const path of pages) {
    await page.goto(`${url}${path}`);
    await settled();
    await seen(path);
  }
  // From the dashboard to another screen, its help, and all of it in the other language.
  await page.goto(`${url}/console/`);
  await b.heading(w.dashboard);
  await page.locator('nav a[href="/console/issue"]').click();
  await b.heading(w.issue);
  await page.keyboard.press("F1");
  await page.locator(".siegel-help").waitFor();
  await settled();
  await page.getByRole("button", { name: w.showOther === "DE" ? "Deutsch" : "English" }).click();
  await page.getByRole("heading", { level: 1, name: w.issue, exact: true }).waitFor({ state: "detached" });
  await settled();
  await seen("other");
  found.done = true;
} catch (error) {
  found.failed = String(error);
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
