// Signing in by a certificate: under another name the browser shows it, and comes back signed in; without one, and with one of no account, it comes back
// with words. Prints what it found as JSON.
import dns from "node:dns";
import { open } from "./browser.mjs";

const WORDS = {
  en: { card: "Sign in with a smart card or certificate", none: /showed no certificate/, unbound: /no account has it/, app: "Set up an app", first: "First sign in by a one-time code" },
  de: { card: "Mit Chipkarte oder Zertifikat anmelden", none: /kein Zertifikat gezeigt/, unbound: /gehört aber zu keinem Konto/, app: "App einrichten", first: "Melden Sie sich zuerst mit einem Einmalcode an" },
};

const { url, card, lang, cert, key, bareCert, bareKey, shots, dark, width } = JSON.parse(process.argv[2]);
const k = WORDS[lang];
const found = {};
const all = { faults: [], foreign: [], violations: {} };
// Chromium knows where *.localhost is (RFC 6761 6.3); what shows the certificate in its place asks the system, which may not.
const plain = (host) => (typeof host === "string" && host.endsWith(".localhost") ? "localhost" : host);
const { lookup } = dns;
const lookupPromise = dns.promises.lookup;
dns.lookup = (host, ...rest) => lookup(plain(host), ...rest);
dns.promises.lookup = (host, ...rest) => lookupPromise(plain(host), ...rest);
const visit = async (certificate, work) => {
  const clientCertificates = certificate ? [{ origin: card, certPath: certificate[0], keyPath: certificate[1] }] : undefined;
  const b = await open({ url, also: [card], lang, shots, dark, width, clientCertificates });
  try {
    await b.page.goto(`${url}/console/`);
    await b.page.getByRole("button", { name: k.card }).click();
    await work(b);
  } catch (error) {
    found.failed = `${found.failed ?? ""} ${error}`;
    if (shots) {
      await b.page.screenshot({ path: `${shots}/failed-card-${lang}.png` }).catch(() => {});
    }
  } finally {
    all.faults.push(...b.faults);
    all.foreign.push(...b.foreign);
    Object.assign(all.violations, b.violations);
    await b.close();
  }
};

await visit(null, async (b) => {
  await b.page.getByText(k.none).waitFor();
  await b.look("sign-in-no-card");
});
await visit([bareCert, bareKey], async (b) => {
  await b.page.getByText(k.unbound).waitFor();
});
await visit([cert, key], async (b) => {
  await b.heading(b.w.dashboard);
  found.hash = await b.page.evaluate(() => window.location.hash);
  found.cookies = (await b.context.cookies()).map((c) => c.name);
  found.who = await b.page.evaluate(async () => (await (await fetch("/api/v2.0/sessions/current")).json()).data.attributes.name);
  // It sets up nothing that would outlast the certificate
  await b.page.goto(`${url}/console/account`);
  await b.page.getByRole("button", { name: k.app }).click();
  await b.page.getByText(k.first).waitFor();
  await b.look("account-by-card");
  found.done = true;
});
console.log(JSON.stringify({ ...found, ...all }));
