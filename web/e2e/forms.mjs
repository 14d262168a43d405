// Profiles and rules by their forms, as somebody does it who knows no JSON: a profile for machines that is tried before it is made, a certificate by it, and a
// rule that lets somebody else approve. Each field that the server finds wrong says so; the text of the experts is the same value. Prints what it found as JSON.
import { open } from "./browser.mjs";

const { url, lang, cookie, cookieName, mark, shots, dark, width } = JSON.parse(process.argv[2]);
const W = {
  en: {
    fresh: "New profile from a template", template: "Template", name: "Name", title: "Title", make: "Make the profile", addSubject: "Add a part of the subject …", source: "Who says it", value: "Value", addName: "Take a kind of name …", within: "Only within",
    length: "Valid for", most: "At most", purposes: "What it is good for", server: "TLS server", text: "Text (JSON)", form: "Form", save: "Save", saved: /It is saved/, cn: "Common name (CN)", names: "Alternative names", days: "Valid for days", keys: "Keys", cas: "For certificates of CAs",
    afterwards: /^Afterwards/, extensions: "Other extensions", policy: "New policy", rule: "What the rule is called", effect: "What it does", add: "Add a rule …", eyes: "Somebody else approves what is valid for long", up: "second person: move up", tryBy: "Profile of the sample", remove: "Remove short",
    wrong: /Line 2, column 3/, range: /from 1 to 36525/, when: "For which requests", settings: "Settings", line: /siegel.conf/, load: "Load what is there now",
  },
  de: {
    fresh: "Neues Profil aus einer Vorlage", template: "Vorlage", name: "Name", title: "Titel", make: "Profil anlegen", addSubject: "Teil des Inhabernamens hinzufügen …", source: "Wer bestimmt es", value: "Wert", addName: "Art von Namen annehmen …", within: "Nur innerhalb von",
    length: "Gültig für", most: "Höchstens", purposes: "Wofür es taugt", server: "TLS-Server", text: "Text (JSON)", form: "Formular", save: "Speichern", saved: /Gespeichert/, cn: "Allgemeiner Name (CN)", names: "Weitere Namen", days: "Gültig für Tage", keys: "Schlüssel", cas: "Für Zertifikate von CAs",
    afterwards: /^Danach/, extensions: "Weitere Erweiterungen", policy: "Neue Richtlinie", rule: "Wie die Regel heißt", effect: "Was sie tut", add: "Regel hinzufügen …", eyes: "Was lange gilt, sieht sich jemand anderes an", up: "second person: nach oben", tryBy: "Profil des Beispiels", remove: "short entfernen",
    wrong: /Zeile 2, Spalte 3/, range: /von 1 bis 36525/, when: "Für welche Anträge", settings: "Einstellungen", line: /siegel.conf/, load: "Jetzigen Stand laden",
  },
};
const b = await open({ url, lang, shots, dark, width });
const { page, look } = b;
const w = W[lang];
const found = {};
const main = page.locator("main");
const button = (name) => page.getByRole("button", { name, exact: true });
const outcome = (what) => page.locator(`.siegel-verdict[data-outcome=${what}]`).waitFor();
const part = (type) => page.locator(".siegel-parts > li").filter({ has: page.locator("h3 code", { hasText: new RegExp(`^${type}$`) }) });
try {
  await b.context.addCookies([{ name: cookieName, value: cookie, url, secure: true, httpOnly: true, sameSite: "Strict" }]);

  // A profile for machines, from the template for devices
  await page.goto(`${url}/console/profiles/new`);
  await b.heading(w.fresh);
  await page.getByLabel(w.template, { exact: true }).selectOption("device");
  await outcome("issued");
  await look("profile-fresh");
  await page.getByRole("textbox", { name: w.name }).first().fill(`plc-${mark}`);
  await page.getByRole("textbox", { name: w.title, exact: true }).fill(`Machines ${mark}`);
  await part("O").getByLabel(w.source).selectOption("fixed");
  await part("O").getByRole("textbox", { name: new RegExp(`^${w.value}`) }).first().fill("Example AG");
  await part("dns").getByLabel(w.within).fill("plant.example");
  await page.getByLabel(w.names, { exact: true }).fill("www.example.com");
  await outcome("refused");
  found.refused = await page.locator(".siegel-verdict").innerText();
  await page.getByLabel(w.cn).fill("press-7.plant.example");
  await page.getByLabel(w.names, { exact: true }).fill("press-7.plant.example");
  await outcome("issued");
  // What is wrong stands at its field: found here, and by the server
  const length = page.getByRole("textbox", { name: w.length, exact: false }).first();
  await length.fill("many");
  await page.getByText(w.range).first().waitFor();
  await length.fill("9000");
  await page.getByText(/days is more than max_days|mehr als max_days/).first().waitFor();
  await length.fill("90");
  await outcome("issued");
  // The text is the same value, and what the form doesn't know stays
  await page.getByRole("tab", { name: w.text }).click();
  const area = page.locator(".siegel-structured textarea");
  const before = JSON.parse(await area.inputValue());
  found.text = before;
  await area.fill("{\n  x: 1\n}");
  await page.getByText(w.wrong).first().waitFor();
  await look("profile-text-wrong");
  await area.fill(JSON.stringify(before));
  await page.getByRole("tab", { name: w.form }).click();
  for (const section of [w.keys, w.purposes, w.afterwards, w.extensions, w.cas]) {
    await page.locator(".siegel-section").getByRole("button", { name: section, exact: typeof section === "string" }).click();
  }
  await look("profile-form");
  await button(w.make).click();
  await page.waitForURL(/\/profiles\/\d+$/);
  found.profile = page.url().split("/").pop();
  await outcome("issued");
  await look("profile-made");

  // And a certificate by it
  await page.goto(`${url}/console/issue`);
  await b.heading(b.w.issue);
  await page.locator("#profile").selectOption(`plc-${mark}`);
  await page.getByLabel(b.w.keyHere).check();
  await page.getByLabel(b.w.name).first().fill("press-7.plant.example");
  await button(b.w.doIssue).click();
  await page.getByText(b.w.issued).first().waitFor();
  found.issued = true;

  // A rule that lets somebody else approve, above the one that is there; by the keyboard
  await page.goto(`${url}/console/policies/new`);
  await b.heading(w.policy);
  await page.getByRole("textbox", { name: w.name }).first().fill(`eyes-${mark}`);
  await page.getByLabel(w.add).selectOption({ label: w.eyes });
  const second = page.locator("[data-rule='second person']");
  await second.waitFor();
  await page.getByRole("button", { name: w.up }).focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("[data-rule]")?.getAttribute("data-rule") === "second person");
  await button(w.remove).click();
  await page.getByLabel(w.tryBy).selectOption(`plc-${mark}`);
  await page.getByLabel(w.cn).fill("press-8.plant.example");
  await page.getByLabel(w.names, { exact: true }).fill("press-8.plant.example");
  await page.locator(".siegel-verdict-policy[data-outcome=issued]").waitFor();
  await second.locator(".siegel-term-row input").first().fill("30");
  await page.locator(".siegel-verdict-policy[data-outcome=approval]").waitFor();
  await look("policy-form");
  await page.locator("select").filter({ has: page.locator(`option[value="plc-${mark}"]`) }).first().selectOption(`plc-${mark}`);
  await page.locator("#enabled").check(); // a new one begins out of force
  await main.locator("form").getByRole("button", { name: w.save, exact: true }).click();
  await page.waitForURL(/\/policies\/\d+$/);
  found.policy = page.url().split("/").pop();

  // Somebody else stores it meanwhile: what is typed stays until he who typed it loads the other's
  const title = page.getByRole("textbox", { name: w.title, exact: true });
  const save = main.locator("form").getByRole("button", { name: w.save, exact: true });
  await main.locator("form .pf-m-danger").waitFor(); // what is made can be deleted: the form of the new one is gone
  found.faster = await page.evaluate(async (id) => {
    const headers = { "Content-Type": "application/vnd.api+json", "X-Siegel-Console": "1" };
    const body = JSON.stringify({ data: { type: "policies", id, attributes: { title: "faster" } } });
    const answer = await fetch(`/api/v2.0/policies/${id}`, { method: "PATCH", headers, body });
    await answer.text(); // else it is under way as long as the page is there
    return answer.status;
  }, found.policy);
  await title.fill("slower");
  await save.click();
  const load = button(w.load);
  await load.waitFor();
  found.typed = await title.inputValue();
  await look("policy-faster");
  await load.click();
  await page.waitForFunction(() => [...document.querySelectorAll("main form input")].some((one) => one.value === "faster"));
  await title.fill("slower");
  await save.click();
  await page.getByText(w.saved).first().waitFor();

  // Settings of an address, and of the machine
  await page.goto(`${url}/console/r/est_labels/new`);
  await page.locator(".siegel-structured").first().waitFor();
  await look("est-settings");
  found.done = true;
} catch (error) {
  found.failed = String(error);
  if (shots) {
    await page.screenshot({ path: `${shots}/failed-forms-${lang}.png`, fullPage: true }).catch(() => {});
  }
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
