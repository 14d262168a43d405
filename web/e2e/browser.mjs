// What the flows share: a browser that trusts the instance, an app for second factors, the steps of signing in in both languages.
import { createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const WORDS = {
  en: {
    browser: "en-GB", account: "Account", code: "One-time code", useCode: /First time here/, signIn: "Sign in", newPassword: "New password",
    repeat: "The same again", save: "Save the password", digits: "Six digits", switchOn: "Switch it on", kept: /I have kept them/, password: "Password",
    confirm: "Go on", useApp: "Use the app", dashboard: "Dashboard", issue: "Issue a certificate", keyHere: /Siegel makes the key/, name: /^Name/, csr: "Signing request",
    doIssue: "Issue", issued: "The certificate is issued", toCertificate: "To the certificate's page", certificates: "Certificates",
    search: "Text to search for", chain: "Chain", history: "History", revoke: "Revoke", revoked: "The certificate is revoked", account2: "Your account",
    signOut: "Sign out", menu: /Account of/, next: "Next page", none: "No certificate fits", overview: "Overview", purpose: "Purpose", ended: /session has ended/,
    showOther: "DE",
  },
  de: {
    browser: "de-DE", account: "Konto", code: "Einmalcode", useCode: /Zum ersten Mal hier/, signIn: "Anmelden", newPassword: "Neues Passwort",
    repeat: "Noch einmal dasselbe", save: "Passwort speichern", digits: "Sechs Ziffern", switchOn: "Einschalten", kept: /Ich habe sie aufbewahrt/,
    password: "Passwort", confirm: "Weiter", useApp: "Die App verwenden", dashboard: "Übersicht", issue: "Zertifikat ausstellen", keyHere: /Siegel erzeugt den Schlüssel/, name: /^Name/,
    csr: "Antrag (CSR)", doIssue: "Ausstellen", issued: "Das Zertifikat ist ausgestellt", toCertificate: "Zur Seite des Zertifikats",
    certificates: "Zertifikate", search: "Gesuchter Text", chain: "Kette", history: "Verlauf", revoke: "Sperren", revoked: "Das Zertifikat ist gesperrt",
    account2: "Ihr Konto", signOut: "Abmelden", menu: /^Konto /, next: "Nächste Seite", none: "Kein Zertifikat passt", overview: "Überblick",
    purpose: "Zweck", ended: /Sitzung ist zu Ende/, showOther: "EN",
  },
};

const COPY = /^(Copy|Kopieren)\b/;

export const PASSWORD = "correct horse battery staple";

export function totp(secret, when = Date.now()) {
  const bits = [...secret.replace(/\s/g, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(when / 30000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, "0");
}

/** What look() finds on a page where nothing moves: a colour on its way to another is neither, and has to have arrived. What came while it looked, as an
 * answer that was waited for, may have set something in motion: then it looks again. */
export async function atRest(page, look) {
  let seen;
  for (let moved = true, n = 0; moved && n < 10; n++) {
    await page.waitForFunction(() => document.getAnimations().every((a) => a.playState !== "running" || a.effect?.getComputedTiming().iterations === Infinity));
    await page.evaluate(() => {
      const moves = ({ target }) => {
        window.siegelMoved ||= target.getAnimations({ subtree: true }).some((a) => a.effect?.getComputedTiming().iterations !== Infinity);
      };
      if (window.siegelMoved === undefined) {
        document.addEventListener("transitionrun", moves, true);
        document.addEventListener("animationstart", moves, true);
      }
      window.siegelMoved = false;
    });
    seen = await look();
    moved = await page.evaluate(() => window.siegelMoved);
  }
  return seen;
}

// What a page still waits for moves what is below it when it comes: between the mouse's going down and its coming up it takes what is pressed away from
// under it, and nothing is pressed. So the mouse waits until nothing is asked for any more and what came is drawn; for who asks without end, ten seconds.
const asked = new WeakMap();
async function quiet(page) {
  const under = asked.get(page);
  for (const end = Date.now() + 10000; under && Date.now() < end; ) {
    await page.evaluate(() => new Promise((drawn) => [requestAnimationFrame(() => setTimeout(drawn)), setTimeout(drawn, 100)])).catch(() => {}); // another page comes
    if (under.size === 0) {
      return;
    }
  }
}
function mouseWaits(page) {
  const under = new Set();
  asked.set(page, under);
  page.on("request", (one) => under.add(one));
  page.on("requestfinished", (one) => under.delete(one));
  page.on("requestfailed", (one) => under.delete(one));
  const locator = Object.getPrototypeOf(page.locator("main"));
  for (const act of Object.hasOwn(locator, "waits") ? [] : ["click", "check", "uncheck"]) {
    const own = locator[act];
    locator[act] = async function (...how) {
      await quiet(this.page());
      return own.apply(this, how);
    };
  }
  locator.waits = true;
}

/** One browser with one page; also: other addresses of the house; clientCertificates: as playwright has them. Whatever the page's security policy refused, and every fault of it, is kept. */
export async function open({ url, also = [], lang, dark = false, shots, width = 1366, height = 900, clientCertificates, touch = false }) {
  const browser = await chromium.launch({ executablePath: process.env.SIEGEL_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  const context = await browser.newContext({
    ignoreHTTPSErrors: true, locale: WORDS[lang].browser, colorScheme: dark ? "dark" : "light", viewport: { width, height }, hasTouch: touch,
    permissions: ["clipboard-read", "clipboard-write"], acceptDownloads: true, ...(clientCertificates ? { clientCertificates } : {}),
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60000); // of a machine that does other things too
  mouseWaits(page);
  const faults = [];
  const foreign = [];
  page.on("console", (m) => m.type() === "error" && !/status of (401|403|404|409|412|422|429)/.test(m.text()) && faults.push(m.text()));
  page.on("pageerror", (e) => faults.push(String(e)));
  page.on("dialog", (d) => {
    faults.push(`dialog: ${d.message()}`);
    void d.dismiss();
  });
  page.on("request", (r) => ![url, ...also].some((one) => r.url().startsWith(one)) && !r.url().startsWith("blob:") && foreign.push(r.url()));
  const violations = {};
  const one = {
    browser, context, page, faults, foreign, violations, w: WORDS[lang], lang, url,
    async look(name) {
      const found = await atRest(page, () => new AxeBuilder({ page }).analyze());
      violations[name] = found.violations.map((v) => `${v.id}: ${v.help} (${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join("; ")})`);
      if (shots) {
        mkdirSync(shots, { recursive: true });
        // The page scrolls inside: it is made as high as what is in it.
        const inner = await page.evaluate(() => {
          const main = document.querySelector(".pf-v6-c-page__main");
          return main ? main.scrollHeight - main.clientHeight : 0;
        });
        await page.setViewportSize({ width, height: Math.min(height + inner, 4000) });
        await page.screenshot({ path: `${shots}/${name}-${lang}${dark ? "-dark" : ""}${width < 1000 ? "-narrow" : ""}.png` });
        await page.setViewportSize({ width, height });
      }
    },
    /** What is on the clipboard once the button has said that it is: of a piece of text with its buttons (parts/Code.tsx). */
    async copied(code) {
      await code.getByRole("button", { name: COPY }).click();
      await code.getByRole("status").filter({ hasText: /./ }).waitFor({ state: "attached" });
      return page.evaluate(() => navigator.clipboard.readText());
    },
    /** Within the page, as a link does it: loading all anew each time would only take longer. The address is there before the page, which has come when
     * its head (path, heading, what it is for) is another one. */
    async go(to) {
      await page.locator("main h1").first().waitFor();
      const before = await page.evaluate((address) => {
        const was = document.querySelector("main h1")?.closest(".pf-v6-c-page__main-section")?.innerText;
        if (location.pathname + location.search === address) {
          return null;
        }
        history.pushState(null, "", address);
        dispatchEvent(new PopStateEvent("popstate", { state: null }));
        return was ?? "";
      }, to);
      await page.waitForFunction((was) => {
        const now = document.querySelector("main h1")?.closest(".pf-v6-c-page__main-section")?.innerText;
        return was === null || (now !== undefined && now !== was);
      }, before);
    },
    heading: (name) => page.getByRole("heading", { level: 1, name, exact: typeof name === "string" }).waitFor(),
    async close() {
      await browser.close();
    },
  };
  return one;
}

/** The whole first sign-in, until the page with that heading is there; gives the secret of the second factor. */
export async function first(b, name, code, look = async () => {}, then = b.w.dashboard) {
  const { page, w } = b;
  await page.goto(`${b.url}/`);
  await b.heading(w.signIn);
  await look("sign-in");
  await page.getByRole("button", { name: w.useCode }).click();
  await page.getByLabel(w.account, { exact: false }).first().fill(name);
  await page.getByRole("textbox", { name: w.code }).fill(code);
  await page.getByRole("button", { name: w.signIn, exact: true }).click();
  await page.getByLabel(w.newPassword).waitFor();
  await look("sign-in-password");
  await page.getByLabel(w.newPassword).fill(PASSWORD);
  await page.getByLabel(w.repeat).fill(PASSWORD);
  await page.getByRole("button", { name: w.save }).click();
  await page.locator("svg.siegel-qr").waitFor();
  await look("sign-in-second-factor");
  const secret = (await page.locator(".pf-v6-c-clipboard-copy input, .pf-v6-c-clipboard-copy code").first().evaluate((e) => e.value ?? e.textContent)).trim();
  await page.getByLabel(w.digits).fill(totp(secret));
  await page.getByRole("button", { name: w.switchOn }).click();
  await page.getByRole("button", { name: w.kept }).waitFor();
  await look("sign-in-recovery-codes");
  await page.getByRole("button", { name: w.kept }).click();
  await b.heading(then);
  return secret;
}
