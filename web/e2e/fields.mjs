// Fields that were JSON once, by their forms and on their pages, as somebody does it who knows no JSON: what an ACME directory offers. Prints what it found as
// JSON.
import { open } from "./browser.mjs";

const { url, lang, cookie, cookieName, mark, shots, dark, width, profile, query } = JSON.parse(process.argv[2]);
const W = {
  en: { name: "Name", offer: "Offer a profile …", offerName: "Its name for clients", shown: "What clients are shown", usual: /^Default: for orders/, taken: /Another one has this name/, caa: /^Look for CAA/, settings: "Settings", remove: "Remove short", contains: "Owner contains line", sorted: "Sorted by Valid until, descending", openSearch: "Open in the list", change: "Change", isDefault: "Default", who: /wants CAA records|caa_identities/ },
  de: { name: "Name", offer: "Profil anbieten …", offerName: "Name für Clients", shown: "Was Clients darüber lesen", usual: /^Standard: für Bestellungen/, taken: /So heißt schon ein anderes/, caa: /^CAA-Einträge/, settings: "Einstellungen", remove: "short entfernen", contains: "Verantwortlich enthält line", sorted: "Sortiert nach Gültig bis, absteigend", openSearch: "In der Liste öffnen", change: "Ändern", isDefault: "Standard", who: /CAA/ },
};
const b = await open({ url, lang, shots, dark, width });
const { page, look } = b;
const w = W[lang];
const found = {};
const submit = () => page.locator("main form button[type=submit]");
const offer = (name) => page.locator(`[data-offer="${name}"]`);
try {
  await b.context.addCookies([{ name: cookieName, value: cookie, url, secure: true, httpOnly: true, sameSite: "Strict" }]);

  // A directory that offers two profiles: added, called what clients are to say, one of them the default
  await page.goto(`${url}/console/r/acme_directories/new`);
  await page.getByRole("textbox", { name: w.name }).first().fill(`web-${mark}`);
  await page.getByRole("checkbox", { name: /http-01/ }).check();
  const adder = page.getByLabel(w.offer);
  await adder.locator("option[value=server]").waitFor({ state: "attached" });
  await look("offers-none");
  found.choices = await adder.locator("option").evaluateAll((all) => all.map((one) => one.value));
  await adder.selectOption("server");
  await offer("server").waitFor();
  await adder.selectOption(profile);
  await offer(profile).getByLabel(w.offerName).fill("server");
  await offer(profile).getByText(w.taken).waitFor();
  await offer(profile).getByLabel(w.offerName).fill("short");
  await offer("short").getByLabel(w.shown).fill("A week");
  await offer("short").getByLabel(w.usual).check();
  await offer("short").getByLabel(w.caa).check();
  // What the server says stands at the one that it is about
  await submit().click();
  await offer("short").getByText(w.who).first().waitFor();
  await look("offers-refused");
  await offer("short").getByLabel(w.caa).uncheck();
  await look("offers-form");
  await submit().click();
  await page.waitForURL(/\/r\/acme_directories\/\d+$/);
  found.directory = page.url().split("/").pop();
  await page.locator("main table td code", { hasText: "short" }).waitFor();
  found.page = await page.locator("main table").first().innerText();
  await look("offers-page");

  // And changed, from where devices enrol: the default goes, the other one takes its place
  await page.goto(`${url}/console/enrollment?tab=acme_directories`);
  const change = page.getByRole("link", { name: `${w.change}: web-${mark}` });
  await change.waitFor();
  await look("offers-door");
  await change.click();
  await page.waitForURL(/\/r\/acme_directories\/\d+\/edit$/);
  await page.getByRole("button", { name: w.remove }).click();
  await offer("short").waitFor({ state: "detached" });
  await look("offers-edit");
  await submit().click();
  await page.waitForURL(/\/r\/acme_directories\/\d+$/);
  await page.locator("main table td code", { hasText: "server" }).waitFor();

  // A search that somebody keeps, in words, and the list that it finds
  await page.goto(`${url}/console/r/saved_queries/${query}`);
  await page.getByText(w.contains).waitFor();
  await page.getByText(w.sorted).waitFor();
  found.search = await page.locator("main .pf-v6-c-card").first().innerText();
  await look("search-page");
  await page.getByRole("link", { name: w.openSearch }).click();
  await page.waitForURL(/\/certificates\?/);
  await page.locator("main .pf-v6-c-label", { hasText: w.contains }).first().waitFor();
  found.address = page.url();
  found.done = true;
} catch (error) {
  found.failed = String(error);
  if (shots) {
    await page.screenshot({ path: `${shots}/failed-fields-${lang}.png`, fullPage: true }).catch(() => {});
  }
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
