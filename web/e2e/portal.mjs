// The self-service portal, as somebody uses it who looks after machines: from the one-time code to fetched passes, a renewal and a reported loss.
// Prints what it found as JSON.
import { readFileSync } from "node:fs";
import { first, open, totp, PASSWORD } from "./browser.mjs";

const { url, lang, name, code, csr, mark, list, shots, dark, width, step, secret } = JSON.parse(process.argv[2]);

const WORDS = {
  en: {
    devices: "My devices", one: "Ask for one", many: "Ask for many", waits: "What waits", name: "Name of the device", password: "Password of the file", ask: "Ask for it",
    ready: /Ready to be fetched/, partly: /Partly ready/, fetch: "Fetch", all: "Fetch all", mine: /has made it itself/, file: "Request file", next: "Next", check: "Check",
    without: /^Leave these/, submit: /^Ask for \d/, paste: /or paste the list/, agree: /Somebody has to agree/, open: "Waits for somebody", renew: "Renew", same: /Keep the secret part/,
    loss: "Report a loss", lost: "It was stolen", block: "Block the pass", blocked: /The pass is blocked/, device: "To the device", pem: /Separate text files/, title: /Device pass of/,
    withKey: "Pass with its secret part", plain: "Pass without its secret part", missing: /Please fill in/, none: "No device pass yet", decided: "Decided", no: /Somebody said no/,
    find: "Find a device by its name", doFind: "Find", other: "Meine Geräte", otherLang: "Deutsch", waitsFor: /It waits for/, lostNext: /If the device turns up again/,
  },
  de: {
    devices: "Meine Geräte", one: "Einen anfordern", many: "Viele anfordern", waits: "Was wartet", name: "Name des Geräts", password: "Passwort der Datei", ask: "Anfordern",
    ready: /Zum Abholen bereit/, partly: /Zum Teil bereit/, fetch: "Abholen", all: "Alles abholen", mine: /hat ihn selbst erzeugt/, file: "Antragsdatei", next: "Weiter", check: "Prüfen",
    without: /^Diese \d+ Zeilen weglassen/, submit: /^\d+ anfordern/, paste: /oder fügen Sie die Liste ein/, agree: /Jemand muss zustimmen/, open: "Wartet auf jemanden", renew: "Erneuern",
    same: /geheimen Teil behalten/, loss: "Verlust melden", lost: "Es wurde gestohlen", block: "Ausweis sperren", blocked: /Der Ausweis ist gesperrt/, device: "Zum Gerät",
    pem: /Einzelne Textdateien/, title: /Geräteausweis von/, withKey: "Ausweis mit seinem geheimen Teil", plain: "Ausweis ohne seinen geheimen Teil", missing: /Bitte füllen Sie aus/,
    none: "Noch kein Geräteausweis", decided: "Entschieden", no: /Jemand hat abgelehnt/, find: "Ein Gerät am Namen finden", doFind: "Suchen", other: "My devices", otherLang: "English",
    waitsFor: /Es wartet auf/, lostNext: /Taucht das Gerät wieder auf/,
  },
};

const b = await open({ url, lang, shots, dark, width });
const { page, look } = b;
const w = WORDS[lang];
const found = { texts: [] };
/** Everything that a person reads on the way: the words of a PKI are looked for in it. */
const read = async (screen) => {
  found.texts.push(await page.locator("body").innerText());
  await look(`portal-${screen}`);
};
const go = (text) => page.getByRole("navigation").getByRole("link", { name: text, exact: true }).click();
const press = (text, exact = true) => page.getByRole("button", { name: text, exact: typeof text === "string" && exact }).first().click();
const file = async (act) => {
  const [download] = await Promise.all([page.waitForEvent("download"), act()]);
  return [download.suggestedFilename(), readFileSync(await download.path()).toString("base64")];
};

async function signIn() {
  await page.goto(`${url}/portal/`);
  await b.heading(b.w.signIn);
  await page.getByLabel(b.w.account).first().fill(name);
  await page.locator("input[type=password]").fill(PASSWORD);
  await press(b.w.signIn);
  await page.getByLabel(b.w.digits).fill(totp(secret, Date.now() + 30000));
  await press(b.w.confirm);
}

/** The first day: everything that is asked for. */
async function begin() {
  // Whoever opens the console and belongs here is brought here.
  found.secret = await first(b, name, code, async () => {}, w.devices);
  found.at = page.url();
  await b.heading(w.devices);
  await page.getByRole("heading", { name: w.none }).waitFor();
  await read("nothing");

  // One, as a file with a password
  await go(w.one);
  await b.heading(w.one);
  await press(w.ask);
  await page.getByText(w.missing).waitFor();
  await read("one-missing");
  await page.getByLabel(w.name).fill(`lathe-${mark}`);
  await page.getByLabel(w.password).fill("eight or more");
  await read("one");
  await press(w.ask);
  await page.getByText(w.ready).waitFor();
  await read("asked-one");
  found.p12 = await file(() => press(w.fetch));

  // One with a request file
  await go(w.one);
  await page.getByText(w.mine).click();
  await page.getByRole("textbox", { name: w.file }).last().fill(csr);
  await read("one-file");
  await press(w.ask);
  await page.getByText(w.ready).waitFor();

  // A list with faults
  await go(w.many);
  await b.heading(w.many);
  await read("many");
  await page.locator("input[type=file]").setInputFiles({ name: "list.csv", mimeType: "text/csv", buffer: Buffer.from(list, "base64") });
  await page.waitForFunction(() => document.querySelector("textarea#list-text")?.value.length > 0);
  await press(w.next);
  await press(w.check);
  await page.locator("#checked").waitFor();
  found.preview = await page.locator("#checked tbody tr").allInnerTexts();
  await read("many-checked");
  await press(w.without);
  await page.getByText(w.pem).click();
  await read("many-order");
  await press(w.submit);
  await page.getByText(w.partly).waitFor();
  await page.getByText(w.agree).first().or(page.getByText(w.partly)).first().waitFor();
  await read("asked-many");
  found.zip = await file(() => press(w.all));
  found.batch = page.url().split("/").pop();

  // What waits, and for whom
  await go(w.waits);
  await page.getByRole("heading", { name: w.open }).waitFor();
  await page.getByText(w.waitsFor).first().waitFor();
  await read("waits");
  found.waits = await page.locator(".siegel-row").first().innerText();
  found.cookies = await page.evaluate(() => document.cookie);
  found.stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
}

/** Another day: what was decided, a renewal, a loss. */
async function later() {
  await signIn();
  await b.heading(w.devices);
  await page.goto(`${url}/console/certificates`);
  await page.waitForURL(`${url}/portal/`);
  await page.locator(".siegel-devices li").nth(3).waitFor();
  await read("devices");
  found.devices = await page.locator(".siegel-devices li").allInnerTexts();
  await go(w.waits);
  await page.getByRole("heading", { name: w.decided }).waitFor();
  await page.getByText(w.no).waitFor();
  await read("decided");
  found.decided = await page.locator(".siegel-row").allInnerTexts();

  await go(w.devices);
  await page.getByRole("searchbox", { name: w.find }).fill(`LATHE-${mark}`);
  await press(w.doFind);
  await page.waitForFunction(() => document.querySelectorAll(".siegel-devices li").length === 1);
  await page.getByRole("link", { name: new RegExp(`lathe-${mark}`) }).click();
  await b.heading(w.title);
  await page.getByRole("button", { name: w.withKey }).waitFor();
  await read("device");
  found.again = await file(() => press(w.withKey));
  found.plain = await file(() => press(w.plain));
  await page.getByLabel(w.password).fill("eight or more");
  await press(w.renew);
  await page.getByText(w.ready).waitFor();
  await page.getByRole("link", { name: w.device }).first().or(page.getByRole("button", { name: w.device }).first()).click();
  await b.heading(w.title);
  found.renewed = page.url().split("/").pop();

  await page.getByRole("button", { name: w.withKey }).waitFor(); // the page has come
  await press(w.loss);
  await page.getByRole("dialog").waitFor();
  await read("loss");
  await page.getByRole("dialog").getByLabel(w.lost).check();
  await page.getByRole("dialog").getByRole("button", { name: w.block }).click();
  await page.getByText(w.blocked).first().waitFor();
  await page.getByText(w.lostNext).first().waitFor();
  await read("lost");

  // Somebody else's is nobody's
  await page.goto(`${url}/portal/devices/1`);
  await page.locator(".siegel-error").waitFor();
  await read("not-there");
  found.others = await page.locator(".siegel-error").innerText();
  await page.goto(`${url}/portal/account`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await look("portal-account");
  await page.goto(`${url}/portal/`);
  await b.heading(w.devices);
  await page.getByRole("button", { name: w.otherLang }).click();
  await b.heading(w.other);
}

try {
  await (step === "begin" ? begin : later)();
  found.done = true;
} catch (error) {
  found.failed = String(error);
  if (shots) {
    await page.screenshot({ path: `${shots}/failed-portal-${lang}.png` }).catch(() => {});
  }
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
