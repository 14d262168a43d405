// The expert view's own screens, each seen by axe, and from act to effect: a subordinate CA, a policy that refuses and accepts, an address of EST with its
// lines, an approval, an import with its progress, a secret that is fetched, the audit log verified. Prints what it found as JSON.
import { readFileSync } from "node:fs";
import { open } from "./browser.mjs";

const { url, lang, part, cookie, auditor, cookieName, mark, approval, files, shots, dark, width } = JSON.parse(process.argv[2]);
const W = {
  en: {
    hierarchy: "Hierarchy", make: "Make a CA", next: "Next", cn: "Name for people", create: "Make the CA", keys: "Keys and tokens", profiles: "Profiles and policies", days: "Valid for days",
    name: "Name", save: "Save", saved: /It is saved/, enrolment: "Enrolment", newEst: "New EST address", newScep: "New SCEP address", newAcme: "New ACME directory", externalOn: "Take external account keys", newKey: "Make an external account key", keyOnce: /shown this once/, makeIt: "Make it", lines: /Ready lines/, codes: "Codes", newCodes: "New codes",
    codesOnce: /shown this once/, approvals: "Approvals", approve: "Approve", comment: "Comment", approved: "You have approved it", imports: "Imports", newImport: "New import", start: "Start the import",
    jobs: "Jobs", secrets: "Secrets", newSecret: "New secret", fetch: "Fetch", settings: "Settings", audit: "Audit log", verify: "Verify the log", who: "Who", what: "What", issued: "Certificate issued", clear: "Take away: What", search: "Search", csv: "Export as CSV",
    close: "Cancel", template: "New profile from a template", trial: "Try it", dryRun: "Hold it against what was issued", looked: "Looked at", cross: "Certify another CA", number: "Number", tryBy: "Profile of the sample",
  },
  de: {
    hierarchy: "Hierarchie", make: "CA anlegen", next: "Weiter", cn: "Name für Menschen", create: "CA anlegen", keys: "Schlüssel und Token", profiles: "Profile und Richtlinien", days: "Gültig für Tage",
    name: "Name", save: "Speichern", saved: /Gespeichert/, enrolment: "Geräteanmeldung", newEst: "Neue EST-Adresse", newScep: "Neue SCEP-Adresse", newAcme: "Neues ACME-Verzeichnis", externalOn: "Schlüssel für externe Konten annehmen", newKey: "Schlüssel für ein externes Konto anlegen", keyOnce: /nur dieses eine Mal/, makeIt: "Anlegen", lines: /Fertige Zeilen/, codes: "Codes", newCodes: "Neue Codes",
    codesOnce: /nur dieses eine Mal/, approvals: "Freigaben", approve: "Freigeben", comment: "Kommentar", approved: "Sie haben freigegeben", imports: "Importe", newImport: "Neuer Import", start: "Import starten",
    jobs: "Aufträge", secrets: "Geheimnisse", newSecret: "Neues Geheimnis", fetch: "Abrufen", settings: "Einstellungen", audit: "Prüfprotokoll", verify: "Prüfprotokoll prüfen", who: "Wer", what: "Was", issued: "Zertifikat ausgestellt", clear: "Wegnehmen: Was", search: "Suchen", csv: "Als CSV herunterladen",
    close: "Abbrechen", template: "Neues Profil aus einer Vorlage", trial: "Ausprobieren", dryRun: "An Ausgestelltem messen", looked: "Angesehen", cross: "Andere CA beglaubigen", number: "Nummer", tryBy: "Profil des Beispiels",
  },
};
const b = await open({ url, lang, shots, dark, width });
const { page, look } = b;
// Dialogs and steps: seen in one language, and in all for pictures.
const glance = lang === "en" || shots ? look : async () => {};
const w = W[lang];
const found = {};
const main = page.locator("main");
const button = (name) => page.getByRole("button", { name, exact: true });
const dialog = page.getByRole("dialog");
const begin = Date.now();
const as = async (value) => {
  await b.context.clearCookies();
  await b.context.addCookies([{ name: cookieName, value, url, secure: true, httpOnly: true, sameSite: "Strict" }]);
};
const at = async (path, heading) => {
  await page.goto(`${url}/console${path}`);
  await b.heading(heading);
};
// Settled: nothing is fetched any more that the screen waits for.
const settled = () => page.waitForFunction(() => !document.querySelector(".pf-v6-c-skeleton, .pf-v6-c-spinner, [aria-busy=true]"));
/** A ready line of a door, as its button copies it. */
const copiedLine = async (card, command) => {
  await card.getByRole("button", { name: w.lines }).click();
  return b.copied(card.locator(`[data-command=${command}]`));
};
try {
  await as(cookie);

  if (part === "rules") {
    // The hierarchy, and a CA below the root
    await at("/hierarchy", w.hierarchy);
    await page.locator(".siegel-graph-node").first().waitFor();
    found.boxes = await page.locator(".siegel-graph-node").count();
    await look("hierarchy");
    await main.getByRole("link", { name: w.make, exact: true }).first().click();
    await b.heading(w.make);
    await page.locator("form select").waitFor();
    await glance("ca-new-place");
    await page.locator("form select").selectOption("root");
    await button(w.next).click();
    await page.getByLabel(w.cn).fill(`Plant ${mark} Issuing CA`);
    await glance("ca-new-name");
    await button(w.next).click();
    await settled();
    await glance("ca-new-key");
    await button(w.next).click();
    await glance("ca-new-check");
    await button(w.create).click();
    found.ca = `plant-${mark}-issuing-ca`;
    await b.heading(found.ca);
    await settled();
    await look("ca");
    await button(w.cross).click();
    await dialog.waitFor();
    await glance("ca-cross");
    await dialog.getByRole("button", { name: w.close }).click();

    await at("/keys", w.keys);
    await page.getByText("SoftHSM").first().waitFor();
    await look("keys");

    // A profile: tried at once, with what it takes and what it doesn't
    await at("/profiles", w.profiles);
    await settled();
    await look("profiles");
    await page.locator("tr", { has: page.locator("td", { hasText: /^server$/ }) }).locator("a").first().click();
    const verdict = page.locator(".siegel-verdict");
    await page.locator(".siegel-verdict[data-outcome=issued]").waitFor();
    await page.getByLabel(w.days).fill("99999");
    await page.locator(".siegel-verdict[data-outcome=refused]").waitFor();
    found.refused = await verdict.innerText();
    await look("profile");

    // A policy: its rule refuses the sample and accepts another; then it is in force
    await page.goto(`${url}/console/policies/new`);
    await page.getByLabel(w.tryBy).selectOption("server");
    await page.getByLabel(w.days).fill("365");
    await page.locator(".siegel-verdict-policy[data-outcome=refused]").waitFor();
    found.rule = await page.locator(".siegel-verdict-policy").innerText();
    await glance("policy-refuses");
    await page.getByLabel(w.days).fill("30");
    await page.locator(".siegel-verdict-policy[data-outcome=issued]").waitFor();
    await page.getByRole("textbox", { name: w.name, exact: false }).first().fill(`short-${mark}`);
    await button(w.dryRun).click();
    await page.getByText(w.looked).waitFor();
    found.beginsOff = !(await page.locator("#enabled").isChecked());
    await page.locator("#enabled").check();
    await button(w.save).click();
    await page.waitForURL(/\/policies\/\d+$/);
    found.policy = page.url().split("/").pop();
    await settled();
    await look("policy");

    // An address of EST, with the lines that a device begins with
    await at("/enrollment", w.enrolment);
    await settled();
    await button(w.newEst).first().click();
    await dialog.locator("select").first().waitFor();
    await glance("est-new");
    await dialog.getByRole("textbox").first().fill(`door-${mark}`);
    await dialog.getByRole("button", { name: w.makeIt }).click();
    await dialog.waitFor({ state: "detached" });
    const card = page.locator(".pf-v6-c-card").filter({ has: page.getByRole("heading", { name: new RegExp(`door-${mark}`) }) });
    found.copied = await copiedLine(card, "curl_enroll");
    found.line = await card.locator("[data-command=curl_enroll]").innerText();
    found.needs = await card.locator("[data-needs]").getAttribute("data-needs");
    await look("enrolment");
    // One of SCEP likewise
    await page.getByRole("tab", { name: "SCEP" }).click();
    await button(w.newScep).first().click();
    await dialog.locator("select").first().waitFor();
    await dialog.getByRole("textbox").first().fill(`gate-${mark}`);
    await dialog.getByRole("button", { name: w.makeIt }).click();
    await dialog.waitFor({ state: "detached" });
    found.scep = await copiedLine(page.locator(".pf-v6-c-card").filter({ has: page.getByRole("heading", { name: new RegExp(`gate-${mark}`) }) }), "curl_capabilities");
    await page.getByRole("tab", { name: w.codes }).click();
    await button(w.newCodes).click();
    await dialog.locator("select").waitFor();
    await dialog.locator("select").selectOption({ label: `EST: door-${mark}` });
    await dialog.getByRole("textbox").first().fill(`pump-${mark}`);
    await dialog.getByRole("button", { name: w.makeIt }).click();
    await page.getByText(w.codesOnce).first().waitFor();
    found.request = await b.copied(page.locator("[data-need=csr]"));
    found.enroll = await b.copied(page.locator("[data-command=curl_enroll]"));
    await look("codes");

    // A directory of ACME, and a key for somebody outside with the lines that use it
    await page.getByRole("tab", { name: "ACME" }).click();
    await button(w.newAcme).first().click();
    await dialog.locator("select").first().waitFor();
    await dialog.getByRole("textbox").first().fill(`web-${mark}`);
    await dialog.getByRole("button", { name: w.makeIt }).click();
    await dialog.waitFor({ state: "detached" });
    const directory = page.locator(".pf-v6-c-card").filter({ has: page.getByRole("heading", { name: new RegExp(`web-${mark}`) }) });
    found.acme = await copiedLine(directory, "curl");
    await directory.getByRole("button", { name: w.externalOn }).click();
    await directory.getByRole("button", { name: w.newKey }).click();
    await dialog.getByRole("textbox").last().fill(`dns:.${mark}.example`);
    await glance("acme-key-new");
    await dialog.getByRole("button", { name: w.makeIt }).click();
    await dialog.waitFor({ state: "detached" });
    await directory.getByText(w.keyOnce).first().waitFor();
    found.kid = await directory.locator("[data-key]").getAttribute("data-key");
    found.lego = await directory.locator("[data-key] [data-command=lego]").innerText();
    await look("acme-key");

  } else {
    // What waits: approved, and done at once
    await at("/approvals", w.approvals);
    await settled();
    await look("approvals");
    await page.locator(`a[href$="/approvals/${approval}"]`).click();
    await button(w.approve).waitFor();
    await settled();
    await look("approval");
    await button(w.approve).click();
    await dialog.getByLabel(w.comment).fill(`looked at it ${mark}`);
    await dialog.getByRole("button", { name: w.approve, exact: true }).click();
    await page.getByText(w.approved).waitFor();

    // An import, with its progress
    await at("/imports", w.imports);
    await settled();
    await button(w.newImport).first().click();
    await dialog.getByRole("textbox").first().fill(`old ${mark}`);
    await glance("import-new");
    await dialog.getByRole("button", { name: w.makeIt }).click();
    await page.waitForURL(/\/imports\/\d+$/);
    found.import = page.url().split("/").pop();
    await page.locator("input[type=file]").setInputFiles(files);
    await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n, files.length);
    await look("import");
    await button(w.start).click();
    await page.locator("[data-job=done]").waitFor();
    await page.waitForFunction(() => document.querySelectorAll("table").length > 0);
    await look("import-done");
    await at("/jobs", w.jobs);
    await settled();
    await look("jobs");
    await main.locator("tbody").getByRole("link").first().click();
    await page.locator("[data-job]").waitFor();
    await settled();
    await look("job");

    // A secret is made and fetched: shown once
    await at("/secrets", w.secrets);
    await settled();
    await button(w.newSecret).click();
    await dialog.getByRole("textbox").first().fill(`door ${mark}`);
    await glance("secret-new");
    await dialog.getByRole("button", { name: w.makeIt }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: `${w.fetch}: door ${mark}` }).click();
    await dialog.getByRole("button", { name: w.fetch, exact: true }).click();
    await dialog.locator("pre").waitFor();
    found.secret = (await dialog.locator("pre").innerText()).trim();
    await look("secret");
    await dialog.getByRole("button", { name: w.close }).click();
    await dialog.waitFor({ state: "detached" });
    found.gone = !(await page.content()).includes(found.secret);

    await at("/settings", w.settings);
    await settled();
    await page.getByText("sched.seal_sec").waitFor();
    found.settings = await main.innerText();
    await look("settings");

    // The audit log, by an auditor: verified, searched, taken away
    await as(auditor);
    await at("/audit", w.audit);
    await settled();
    await button(w.verify).click();
    await page.locator("[data-intact]").waitFor();
    found.intact = await page.locator("[data-intact]").getAttribute("data-intact");
    await look("audit");
    await page.getByLabel(w.who, { exact: true }).fill("rest:quickstart");
    await page.getByRole("search").getByRole("button", { name: w.search, exact: true }).click();
    await page.waitForFunction(() => [...document.querySelectorAll("tbody tr")].length > 0);
    // An action is chosen by typing a part of its words; nobody sees a code, and what it was done to is a link
    await page.getByRole("combobox", { name: w.what, exact: true }).fill(w.issued);
    await page.keyboard.press("ArrowDown");
    await look("audit choice");
    await page.keyboard.press("Enter");
    await page.getByRole("search").getByRole("button", { name: w.search, exact: true }).click();
    const codes = () => [...document.querySelectorAll("tbody tr td[data-label]")].map((cell) => cell.textContent.trim());
    await page.waitForFunction(({ what, issued }) => {
      const cells = [...document.querySelectorAll("tbody td")].filter((cell) => cell.dataset.label === what);
      return cells.length > 0 && cells.every((cell) => cell.textContent.trim() === issued);
    }, { what: w.what, issued: w.issued });
    found.audited = { link: await page.locator("tbody td a[href*='/certificates']").first().getAttribute("href"), codes: (await page.evaluate(codes)).filter((t) => /^[a-z_]+\.[a-z_]+$/.test(t)) };
    await page.getByRole("button", { name: w.clear, exact: true }).click();
    await page.getByRole("search").getByRole("button", { name: w.search, exact: true }).click();
    await page.waitForFunction(({ what, issued }) => [...document.querySelectorAll("tbody td")].some((cell) => cell.dataset.label === what && cell.textContent.trim() !== issued), { what: w.what, issued: w.issued });
    const [file] = await Promise.all([page.waitForEvent("download"), button(w.csv).click()]);
    found.csv = readFileSync(await file.path(), "utf8").split("\r\n").slice(0, 2);
  }
  found.milliseconds = Date.now() - begin;
  found.done = true;
} catch (error) {
  found.failed = String(error);
  if (shots) {
    await page.screenshot({ path: `${shots}/failed-special-${lang}.png`, fullPage: true }).catch(() => {});
  }
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
