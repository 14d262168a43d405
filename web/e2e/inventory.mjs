// The inventory as somebody works with it: search, keep the query, come back to it, take the list away as a file, act on all that match, renew one.
// Prints what it found as JSON.
import { readFileSync } from "node:fs";
import { open } from "./browser.mjs";

const { url, lang, cookie, cookieName, word, hostile, shots, dark, width } = JSON.parse(process.argv[2]);
const WORDS = {
  en: {
    title: "Certificates", attribute: "Search in", value: "Text to search for", key: "Key of the metadata", state: "State", held: "On hold", issued: "In force",
    saved: "Saved queries", save: "Save this query…", manage: "Manage saved queries…", submit: "Save", share: "Share it with all of the tenant",
    columns: "Columns", columnKey: "A key of the metadata as a column", columnAdd: "Add", show: "Show these", owner: "Owner", exporting: "Export", csv: /^CSV/, json: /^JSON/,
    actions: "Actions", update: "Change owner and metadata…", revoke: "Revoke…", hold: "Put on hold…", release: "Take holds back…", matching: /^All that match/,
    preview: "See how many that are", go: /^Do it to/, done: "Done", close: "Close", newOwner: "New owner", addMetadata: "Add metadata", metaKey: "Key 1",
    metaValue: "Value 1", rename: "Rename", one: /^Check /, renew: "Renew", here: /^Another key, made/, until: "Valid until",
    once: /shown this once/, edit: "Owner and metadata…", saveOne: "Save", savedOne: "It is saved", clear: "Clear all filters", how: "How it is compared", add: "Add the condition",
    issued2: "The certificate is issued", metadata: "Metadata", reason: "Reason",
  },
  de: {
    title: "Zertifikate", attribute: "Suchen in", value: "Gesuchter Text", key: "Schlüssel der Metadaten", state: "Zustand", held: "Vorläufig gesperrt", issued: "In Kraft",
    saved: "Gespeicherte Suchen", save: "Diese Suche speichern …", manage: "Gespeicherte Suchen verwalten …", submit: "Speichern",
    share: "Für alle im Mandanten freigeben", columns: "Spalten", columnKey: "Ein Schlüssel der Metadaten als Spalte", columnAdd: "Hinzufügen", show: "Diese zeigen",
    owner: "Verantwortlich", exporting: "Exportieren", csv: /^CSV/, json: /^JSON/, actions: "Aktionen", update: "Verantwortliche und Metadaten ändern …", revoke: "Sperren …",
    hold: "Vorläufig sperren …", release: "Vorläufige Sperren zurücknehmen …", matching: /^Alle, die zur Suche/, preview: "Zeigen, wie viele das sind", go: /ausführen$/,
    done: "Fertig", close: "Schließen", newOwner: "Neu verantwortlich", addMetadata: "Metadaten hinzufügen", metaKey: "Schlüssel 1", metaValue: "Wert 1", rename: "Umbenennen",
    one: / auswählen$/, renew: "Erneuern", here: /^Ein anderer Schlüssel, von Siegel/, until: "Gültig bis",
    once: /nur dieses eine Mal/, edit: "Verantwortliche und Metadaten …", saveOne: "Speichern", savedOne: "Es ist gespeichert", clear: "Alle Filter entfernen",
    how: "Wie verglichen wird", add: "Bedingung hinzufügen", issued2: "Das Zertifikat ist ausgestellt", metadata: "Metadaten", reason: "Grund",
  },
};
const b = await open({ url, lang, shots, dark, width });
const { page } = b;
const w = WORDS[lang];
const found = {};
const button = (name) => page.getByRole("button", { name, exact: typeof name === "string" });
const dialog = () => page.getByRole("dialog");
const inDialog = (name) => dialog().getByRole("button", { name, exact: typeof name === "string" });
const rows = (n) => page.waitForFunction((wanted) => document.querySelectorAll("tbody tr").length === wanted, n);
const menu = async (name, item) => {
  await button(name).click();
  await page.getByRole("menuitem", { name: item, exact: typeof item === "string" }).click();
};
const closed = () => dialog().waitFor({ state: "detached" });
/** From the choice of all that match to the end of the job. */
const onAll = async (action, look) => {
  await menu(w.actions, action);
  await dialog().getByLabel(w.matching).check();
  await look?.();
  await inDialog(w.preview).click();
  await inDialog(w.go).waitFor();
  found.counts = [...(found.counts ?? []), Number(/\d+/.exec(await inDialog(w.go).innerText())[0])];
  await b.look(`many-${found.counts.length}`);
  await inDialog(w.go).click();
  await dialog().locator(".pf-v6-c-alert").getByText(w.done).waitFor();
  await b.look(`many-done-${found.counts.length}`);
  await inDialog(w.close).last().click();
  await closed();
};
try {
  await b.context.addCookies([{ name: cookieName, value: cookie, url, secure: true, httpOnly: true, sameSite: "Strict" }]);
  await page.goto(`${url}/console/certificates`);
  await page.getByRole("grid").waitFor();

  // Search: a key of the metadata, a part of the name, two states
  await page.getByLabel(w.attribute).selectOption("metadata");
  await page.getByLabel(w.key).fill("flow");
  await page.getByRole("textbox", { name: w.value }).fill(word);
  await page.getByRole("textbox", { name: w.value }).press("Enter");
  await rows(6);
  await page.getByLabel(w.attribute).selectOption("status");
  await page.getByLabel(w.state, { exact: true }).selectOption("issued");
  await rows(5);
  await page.getByLabel(w.state, { exact: true }).selectOption("held");
  await rows(6);
  await page.getByLabel(w.attribute).selectOption("not_after");
  await page.getByRole("search").getByLabel(w.until).fill("2020-01-01");
  await button(w.add).click();
  await page.waitForFunction(() => document.querySelector("main")?.innerText.includes("2020"));
  await rows(6);
  found.address = page.url();
  await b.look("inventory-search");

  // Columns
  await button(w.columns).click();
  await dialog().getByLabel(w.owner, { exact: true }).check();
  await dialog().getByLabel(w.columnKey).fill("note");
  await inDialog(w.columnAdd).click();
  await b.look("inventory-columns");
  await inDialog(w.show).click();
  await page.locator('td[data-label="note"]').first().waitFor();
  const strange = await page.evaluate(() => document.querySelectorAll("main script, main img[src=x], main svg[onload], a[href^='javascript:']").length);
  found.text = strange === 0 && (await page.locator('td[data-label="note"]').first().innerText()).trim() === hostile;

  // The query is kept, and there again after a reload
  await menu(w.saved, w.save);
  await dialog().getByRole("textbox").fill(`query of ${word}`);
  await dialog().getByLabel(w.share).check();
  await b.look("inventory-save");
  await inDialog(w.submit).click();
  await closed();
  await page.goto(`${url}/console/certificates`);
  await page.getByRole("grid").waitFor();
  await menu(w.saved, `query of ${word}`);
  await rows(6);
  await page.locator('td[data-label="note"]').first().waitFor();
  await page.reload();
  await rows(6);
  await menu(w.saved, w.manage);
  const row = dialog().getByRole("row").filter({ has: page.getByRole("button", { name: new RegExp(`query of ${word}`) }) });
  await row.getByRole("textbox").fill(`named ${word}`);
  await row.getByRole("button", { name: w.rename }).click();
  await dialog().getByRole("button", { name: new RegExp(`named ${word}`) }).waitFor();
  await b.look("inventory-manage");
  await inDialog(w.close).last().click();
  await closed();

  // As files
  for (const format of ["csv", "json"]) {
    await button(w.exporting).click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: w[format] }).click()]);
    found[format] = { name: file.suggestedFilename(), text: readFileSync(await file.path(), "utf8") };
  }

  // One that is checked: owner and metadata; then all that match are revoked
  await page.getByRole("checkbox", { name: w.one }).nth(1).check();
  await menu(w.actions, w.update);
  await dialog().getByLabel(w.newOwner).fill(`by console ${word}`);
  await inDialog(w.addMetadata).click();
  await dialog().getByLabel(w.metaKey).fill("room");
  await dialog().getByLabel(w.metaValue).fill(hostile);
  await b.look("many-update");
  await inDialog(w.preview).click();
  await inDialog(w.go).click();
  await dialog().locator(".pf-v6-c-alert").getByText(w.done).waitFor();
  await inDialog(w.close).last().click();
  await closed();
  await page.locator("td", { hasText: `by console ${word}` }).waitFor();
  await onAll(w.release);
  await onAll(w.revoke, async () => {
    await dialog().getByLabel(w.reason).selectOption("cessationOfOperation");
    await b.look("many-revoke");
  });
  await page.getByRole("heading", { level: 2, name: b.w.none }).waitFor();

  // A certificate's page: renewed with a key that is made here, and who looks after it
  await page.goto(`${url}/console/certificates?filter[owner]=renew-${word}`);
  await rows(1);
  await page.locator("tbody a").click();
  await button(w.renew).click();
  await dialog().getByLabel(w.here).check();
  await b.look("certificate-renew");
  await inDialog(w.renew).click();
  await dialog().getByText(w.issued2).waitFor();
  found.key = /-----BEGIN PRIVATE KEY-----/.test(await dialog().innerText()) && (await dialog().getByText(w.once).count()) > 0;
  await b.look("certificate-renewed");
  await inDialog(w.close).last().click();
  await closed();
  await button(w.edit).click();
  await dialog().getByLabel(w.owner, { exact: true }).fill(hostile);
  await b.look("certificate-edit");
  await inDialog(w.saveOne).click();
  await page.getByText(w.savedOne).waitFor();
  await page.getByText(hostile, { exact: true }).first().waitFor();

  // And the query is gone
  await page.goto(`${url}/console/certificates`);
  await page.getByRole("grid").waitFor();
  await menu(w.saved, w.manage);
  const ours = dialog().getByRole("button", { name: new RegExp(`named ${word}`) });
  await ours.click();
  await ours.waitFor({ state: "detached" });
  found.done = true;
} catch (error) {
  found.failed = String(error);
  if (shots) {
    await page.screenshot({ path: `${shots}/failed-inventory-${lang}.png` }).catch(() => {});
  }
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
