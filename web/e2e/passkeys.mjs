// Passkeys by Chromium's own authenticator: a first sign-in with one in place of an app, in alone, as second factor, named, removed; and what is said
// when somebody shows none. Prints what it found as JSON.
import { open, PASSWORD } from "./browser.mjs";

const WORDS = {
  en: {
    instead: "Use a passkey in place of an app", called: "What do you call it?", setUp: "Set up the passkey", alone: "Sign in with a passkey", show: "Use a passkey",
    cancelled: /Nothing was shown/, add: "Add a passkey", added: "The passkey is set up", known: /registered already/, rename: "Rename first", name: "Name",
    keep: "Save", remove: "Remove spare", removed: /is removed/, still: "Is it still you?", others: "End all others", ended: "All your other sessions are ended",
    last: "Remove renamed", only: /only second factor/, card: "Sign in with a smart card or certificate",
  },
  de: {
    instead: "Statt einer App einen Passkey verwenden", called: "Wie nennen Sie ihn?", setUp: "Passkey einrichten", alone: "Mit einem Passkey anmelden",
    show: "Passkey verwenden", cancelled: /Es wurde nichts gezeigt/, add: "Passkey hinzufügen", added: "Der Passkey ist eingerichtet", known: /schon eingetragen/,
    rename: "first umbenennen", name: "Name", keep: "Speichern", remove: "spare entfernen", removed: /ist entfernt/, still: "Sind Sie es noch?",
    others: "Alle anderen beenden", ended: "Alle Ihre anderen Sitzungen sind beendet", last: "renamed entfernen", only: /einzige zweite Faktor/,
    card: "Mit Chipkarte oder Zertifikat anmelden",
  },
};

const { url, lang, name, code, shots, dark, width } = JSON.parse(process.argv[2]);
const b = await open({ url, lang, shots, dark, width });
const { page, w } = b;
const k = WORDS[lang];
const found = {};

const cdp = await b.context.newCDPSession(page);
await cdp.send("WebAuthn.enable", { enableUI: false });
const authenticator = async (isUserVerified = true) =>
  (
    await cdp.send("WebAuthn.addVirtualAuthenticator", {
      options: { protocol: "ctap2", transport: "usb", hasResidentKey: true, hasUserVerification: true, isUserVerified, automaticPresenceSimulation: true },
    })
  ).authenticatorId;
const button = (text, exact = true) => page.getByRole("button", { name: text, exact });
const signOut = async () => {
  await page.getByRole("button", { name: w.menu }).click();
  await page.getByRole("menuitem", { name: w.signOut }).click();
  await b.heading(w.signIn);
};

try {
  const first = await authenticator();
  await page.goto(`${url}/`);
  await b.heading(w.signIn);
  await button(k.alone).waitFor();
  await button(k.card).waitFor();
  await b.look("sign-in-ways");
  await button(w.useCode, false).click();
  await page.getByLabel(w.account, { exact: false }).first().fill(name);
  await page.getByRole("textbox", { name: w.code }).fill(code);
  await button(w.signIn).click();
  await page.getByLabel(w.newPassword).fill(PASSWORD);
  await page.getByLabel(w.repeat).fill(PASSWORD);
  await button(w.save).click();
  await button(k.instead).click();
  await page.getByLabel(k.called).fill("first");
  await b.look("sign-in-passkey");
  await button(k.setUp).click();
  await button(w.kept, false).click();
  await b.heading(w.dashboard);

  // In alone, without name and password
  await signOut();
  await button(k.alone).click();
  await b.heading(w.dashboard);
  found.alone = (await cdp.send("WebAuthn.getCredentials", { authenticatorId: first })).credentials.map((c) => [c.rpId, c.isResidentCredential, c.signCount > 1]);

  // As second factor
  await signOut();
  await page.getByLabel(w.account, { exact: false }).first().fill(name);
  await page.getByRole("textbox", { name: w.password }).fill(PASSWORD);
  await button(w.signIn).click();
  await button(k.show).waitFor();
  await b.look("sign-in-prove-passkey");
  await button(k.show).click();
  await b.heading(w.dashboard);

  // The account's page: the same key again, another one, its name, its end
  await page.goto(`${url}/console/account`);
  await button(k.rename).waitFor(); // the list of keys, which stands above what is pressed; those of sessions come without it
  await button(k.add).click();
  await page.getByLabel(k.called).fill("again");
  await button(k.setUp).click();
  await page.getByText(k.known).waitFor();
  await cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: first });
  const spare = await authenticator();
  await page.getByLabel(k.called).fill("spare");
  await button(k.setUp).click();
  await page.getByText(k.added).waitFor();
  await button(k.rename).click();
  await page.getByRole("textbox", { name: k.name, exact: true }).fill("renamed");
  await button(k.keep).click();
  await button(k.last).waitFor();
  await b.look("account-passkeys");
  await button(k.remove).click();
  await page.getByText(k.removed).waitFor();
  await button(k.last).click();
  await page.getByText(k.only).waitFor();
  await b.look("account-last-passkey");
  if ((await button(k.others).count()) > 0) {
    await button(k.others).click();
    await page.getByText(k.ended).waitFor();
  }

  // One that isn't registered any more
  await signOut();
  await button(k.alone).click();
  await page.locator(".siegel-error").waitFor();
  found.unknown = await page.locator(".siegel-error").innerText();
  await cdp.send("WebAuthn.setUserVerified", { authenticatorId: spare, isUserVerified: false });
  await page.reload();
  await button(k.alone).click();
  await page.getByText(k.cancelled).waitFor();
  await b.look("sign-in-passkey-cancelled");
  found.done = true;
} catch (error) {
  found.failed = String(error);
  if (shots) {
    await page.screenshot({ path: `${shots}/failed-passkeys-${lang}.png` }).catch(() => {});
  }
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
