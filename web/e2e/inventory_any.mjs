// A search of which one condition is enough, and what is done to all that it finds: counted by a job, and bound to what was counted.
// Prints what it found as JSON.
import { open } from "./browser.mjs";

const { url, lang, cookie, cookieName, word, shots, dark, width } = JSON.parse(process.argv[2]);
const WORDS = {
  en: {
    attribute: "Search in", value: "Text to search for", joined: "How the conditions are joined", actions: "Actions", update: "Change owner and metadata…",
    matching: /^All that match/, preview: "See how many that are", go: /^Do it to/, bound: /^These are meant and no others/, done: "Done", close: "Close", newOwner: "New owner",
    take: /^Take away/, back: "Back",
  },
  de: {
    attribute: "Suchen in", value: "Gesuchter Text", joined: "Wie die Bedingungen verbunden sind", actions: "Aktionen", update: "Verantwortliche und Metadaten ändern …",
    matching: /^Alle, die zur Suche/, preview: "Zeigen, wie viele das sind", go: /ausführen$/, bound: /^Gemeint sind diese und keine anderen/, done: "Fertig", close: "Schließen",
    newOwner: "Neu verantwortlich", take: /^Entfernen/, back: "Zurück",
  },
};
const b = await open({ url, lang, shots, dark, width });
const { page } = b;
const w = WORDS[lang];
const found = {};
const dialog = () => page.getByRole("dialog");
const inDialog = (name) => dialog().getByRole("button", { name, exact: typeof name === "string" });
const rows = (n) => page.waitForFunction((wanted) => document.querySelectorAll("tbody tr").length === wanted, n);
const search = async (attribute, text) => {
  await page.getByLabel(w.attribute).selectOption(attribute);
  await page.getByRole("textbox", { name: w.value }).fill(text);
  await page.getByRole("textbox", { name: w.value }).press("Enter");
};
try {
  await b.context.addCookies([{ name: cookieName, value: cookie, url, secure: true, httpOnly: true, sameSite: "Strict" }]);
  await page.goto(`${url}/console/certificates`);
  await page.getByRole("grid").waitFor();
  await search("common_name", `${word}-a`);
  await rows(2);
  await search("owner", `own-${word}`);
  await rows(1); // both
  await page.getByLabel(w.joined).selectOption("any");
  await rows(3);
  await search("common_name", `${word}-c`);
  await rows(4);
  found.address = decodeURIComponent(page.url());
  await b.look("inventory-any");
  await page.reload();
  await rows(4);

  await page.getByRole("button", { name: w.actions, exact: true }).click();
  await page.getByRole("menuitem", { name: w.update }).click();
  await dialog().getByLabel(w.matching).check();
  await dialog().getByLabel(w.newOwner).fill(`new-${word}`);
  await inDialog(w.preview).click();
  await dialog().getByText(w.bound).waitFor();
  found.count = Number(/\d+/.exec(await inDialog(w.go).innerText())[0]);
  await b.look("many-bound");
  await inDialog(w.go).click();
  await dialog().locator(".pf-v6-c-alert").getByText(w.done).waitFor();
  await inDialog(w.close).last().click();
  await dialog().waitFor({ state: "detached" });

  // One alternative is taken away, then all have to fit again
  await page.getByRole("button", { name: w.take }).last().click();
  await rows(2); // who owned one has a new name
  await page.getByLabel(w.joined).selectOption("all");
  await page.getByRole("heading", { level: 2, name: b.w.none }).waitFor();
  found.done = true;
} catch (error) {
  found.failed = String(error);
  if (shots) {
    await page.screenshot({ path: `${shots}/failed-inventory-any-${lang}.png` }).catch(() => {});
  }
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
