// From the one-time code to a certificate that was revoked, as somebody does it who has never seen the console. Prints what it found as JSON.
import { first, open } from "./browser.mjs";

const { url, lang, name, code, csr, shots, dark, width } = JSON.parse(process.argv[2]);
const b = await open({ url, lang, shots, dark, width });
const { page, w } = b;
const found = {};
try {
  const look = b.look;
  const begin = Date.now();
  await first(b, name, code, look);
  found.cookie = (await b.context.cookies()).map((c) => ({ name: c.name, secure: c.secure, httpOnly: c.httpOnly, sameSite: c.sameSite, path: c.path }));
  found.scripts = await page.evaluate(() => document.cookie);
  found.lang = await page.evaluate(() => document.documentElement.lang);
  await page.locator(".siegel-figure").first().waitFor();
  await page.waitForLoadState("networkidle");
  await look("dashboard");

  // A certificate for a key that the console makes
  const link = (text) => page.getByRole("navigation").getByRole("link", { name: text, exact: true });
  const go = async (text) => {
    const toggle = page.locator("#siegel-nav-toggle");
    if ((await toggle.getAttribute("aria-expanded")) !== "true") {
      await toggle.click();
    }
    await link(text).click();
  };
  await go(w.issue);
  await b.heading(w.issue);
  await look("issue");
  await page.getByLabel(w.keyHere).check();
  const cn = `machine-${lang}-${Date.now()}.plant.example`;
  await page.getByLabel(w.name).first().fill(cn);
  await page.getByRole("button", { name: w.doIssue, exact: true }).click();
  await page.getByText(w.issued).first().waitFor();
  found.screens = "sign in, password, second factor, dashboard, issue";
  found.seconds = (Date.now() - begin) / 1000;
  await look("issued");
  const text = await page.locator("main").innerText();
  found.key = /-----BEGIN PRIVATE KEY-----/.test(text);
  found.pem = /-----BEGIN CERTIFICATE-----/.test(text);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: /: (Certificate|Zertifikat)$/ }).last().click()]);
  found.download = file.suggestedFilename();
  await page.getByRole("button", { name: /^(Copy|Kopieren): (Certificate|Zertifikat)$/ }).click();
  found.copied = /^-----BEGIN CERTIFICATE-----/.test(await page.evaluate(() => navigator.clipboard.readText()));

  // One for a signing request
  await go(w.certificates);
  await b.heading(w.certificates);
  await go(w.issue);
  await page.getByRole("textbox", { name: w.csr }).fill("-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n");
  await page.getByText(/private key, not a request|privater Schlüssel, kein Antrag/).waitFor();
  await page.getByRole("textbox", { name: w.csr }).fill("-----BEGIN CERTIFICATE REQUEST-----\nnonsense\n-----END CERTIFICATE REQUEST-----\n");
  await page.getByRole("button", { name: w.doIssue, exact: true }).click();
  await page.locator(".siegel-error").waitFor();
  await page.waitForFunction(() => document.activeElement?.querySelector(".siegel-error")); // whoever pressed far below sees why
  found.error = await page.locator(".siegel-error").innerText();
  await look("issue-error");
  await page.getByRole("textbox", { name: w.csr }).fill(csr);
  await page.getByRole("button", { name: w.doIssue, exact: true }).click();
  await page.getByText(w.issued).first().waitFor();

  // Found again, with its page
  await go(w.certificates);
  await b.heading(w.certificates);
  await page.getByRole("grid").waitFor();
  await look("inventory");
  found.rows = await page.getByRole("row").count();
  const next = page.getByRole("button", { name: w.next });
  if (await next.isEnabled()) {
    const before = await page.getByRole("row").nth(1).innerText();
    await next.click();
    await page.waitForFunction((was) => document.querySelectorAll("tr")[1]?.innerText !== was, before);
    found.paged = true;
  }
  await page.getByRole("textbox", { name: w.search }).fill("there is none such");
  await page.getByRole("textbox", { name: w.search }).press("Enter");
  await page.getByRole("heading", { name: w.none }).waitFor();
  await look("inventory-none");
  await page.goto(`${url}/console/certificates`);
  await page.getByRole("textbox", { name: w.search }).fill(cn.toUpperCase());
  await page.getByRole("textbox", { name: w.search }).press("Enter");
  await page.getByRole("link", { name: cn }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  await page.getByRole("link", { name: cn }).click();
  await b.heading(cn);
  await look("certificate");
  await page.getByRole("tab", { name: w.chain }).click();
  await page.locator(".siegel-chain li").nth(2).waitFor();
  found.chain = await page.locator(".siegel-chain li").count();
  await look("certificate-chain");
  await page.getByRole("tab", { name: "PEM" }).click();
  await look("certificate-pem");
  await page.getByRole("button", { name: w.revoke, exact: true }).click();
  await page.getByRole("dialog").waitFor();
  await look("certificate-revoke");
  await page.getByRole("dialog").getByRole("combobox").selectOption("superseded");
  await page.getByRole("dialog").getByRole("button", { name: w.revoke, exact: true }).click();
  await page.getByText(w.revoked).first().waitFor();
  await page.getByRole("tab", { name: w.history }).click();
  await look("certificate-history");
  found.cn = cn;

  // The account's own page, and out
  await go(w.account2);
  await b.heading(w.account2);
  await page.getByRole("grid").first().waitFor();
  await look("account");
  await page.goto(`${url}/console/nothing`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await look("not-found");
  await page.getByRole("button", { name: w.menu }).click();
  await page.getByRole("menuitem", { name: w.signOut }).click();
  await b.heading(w.signIn);
  found.cookies = (await b.context.cookies()).length;
  await page.goBack().catch(() => {});
  await b.heading(w.signIn);
  found.done = true;
} catch (error) {
  found.failed = String(error);
  if (shots) {
    await page.screenshot({ path: `${shots}/failed-${lang}.png` }).catch(() => {});
  }
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
