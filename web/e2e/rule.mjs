// An account that has to sign in by a passkey: the rule is set, with a proof asked for over it; a password opens nothing; what is removed is removed at
// the first press; and who was helped on the machine sets up a passkey. Prints what it found as JSON.
import { open, PASSWORD, totp } from "./browser.mjs";

const WORDS = {
  en: {
    rule: "Signs in by", save: /^Save/, still: "Is it still you?", changed: "The change is stored.", refused: /opened by a passkey or a certificate alone/,
    only: "a passkey or a certificate alone", none: /isn't opened by a password/, remove: "Remove spare", removed: /is removed/, takeApp: "Take the app away",
    taken: /second factor is changed/, called: "What do you call it?", setUp: "Set up the passkey", cancel: "Cancel",
  },
  de: {
    rule: "Anmelden mit", save: /speichern$/i, still: "Sind Sie es noch?", changed: "Die Änderung ist gespeichert.", refused: /öffnet nur ein Passkey oder ein Zertifikat/,
    only: "Passkey oder Zertifikat, mit nichts anderem", none: /nicht mit einem Passwort/, remove: "spare entfernen", removed: /ist entfernt/, takeApp: "App wegnehmen",
    taken: /zweite Faktor ist geändert/, called: "Wie nennen Sie ihn?", setUp: "Passkey einrichten", cancel: "Abbrechen",
  },
};

const { url, lang, boss, person, helped, shots, dark, width } = JSON.parse(process.argv[2]);
const b = await open({ url, lang, shots, dark, width });
const { page, w } = b;
const k = WORDS[lang];
const found = {};
const button = (text) => page.getByRole("button", { name: text, exact: typeof text === "string" });
const dialog = page.getByRole("dialog").filter({ hasText: k.still });
const become = async (cookie) => {
  await b.context.clearCookies();
  if (cookie) {
    await b.context.addCookies([{ name: "__Host-siegel-session", value: cookie, url, secure: true, httpOnly: true, sameSite: "Strict" }]);
  }
};
const prove = async (secret, name) => {
  await dialog.waitFor();
  await b.look(name);
  await dialog.getByLabel(w.digits).fill(totp(secret));
  await dialog.getByRole("button", { name: w.confirm, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
};
const claim = async (secret, label) => {
  await page.getByLabel(w.account, { exact: false }).first().fill(secret.name);
  await page.getByRole("textbox", { name: label }).fill(secret.text);
  await button(w.signIn).click();
};

try {
  // Somebody who has been away from the screen for a while
  await become(boss.cookie);
  await page.goto(`${url}/console/r/accounts/${person.account}/edit`);
  await page.getByLabel(k.rule).first().selectOption("passkey");
  await button(k.save).click();
  await dialog.waitFor();
  await dialog.getByRole("button", { name: k.cancel, exact: true }).click();
  await page.locator(".siegel-error").waitFor();
  await b.look("account-rule");
  await button(k.save).click();
  await prove(boss.secret, "prove-again");
  await page.getByText(k.changed).waitFor();
  await b.look("account-with-rule");

  // The password is right, and opens nothing
  await become(null);
  await page.goto(`${url}/console/`);
  await b.heading(w.signIn);
  await claim({ name: person.name, text: PASSWORD }, w.password);
  await page.getByText(k.refused).waitFor();
  await b.look("sign-in-refused");

  // The account's page: one press, a proof, and it is done; the next thing wants none
  await become(person.cookie);
  await page.goto(`${url}/console/account`);
  await page.getByText(k.only).waitFor();
  await page.getByText(k.none).waitFor();
  await button(k.remove).click();
  await dialog.waitFor();
  await dialog.getByRole("button", { name: w.useApp, exact: true }).click();
  await prove(person.secret, "prove-again-app");
  await page.getByText(k.removed).waitFor();
  await button(k.takeApp).click();
  await page.getByText(k.taken).waitFor();
  await b.look("account-strict");

  // Who was helped on the machine
  await become(null);
  const cdp = await b.context.newCDPSession(page);
  await cdp.send("WebAuthn.enable", { enableUI: false });
  await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "usb", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await page.goto(`${url}/console/`);
  await b.heading(w.signIn);
  await button(w.useCode).click();
  await claim({ name: helped.name, text: helped.code }, w.code);
  await b.heading(k.setUp);
  await page.getByLabel(k.called).fill("new");
  await b.look("sign-in-first-passkey");
  await button(k.setUp).click();
  await button(w.kept).click();
  await b.heading(w.dashboard);
  found.done = true;
} catch (error) {
  found.failed = String(error);
  if (shots) {
    await page.screenshot({ path: `${shots}/failed-rule-${lang}.png` }).catch(() => {});
  }
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
