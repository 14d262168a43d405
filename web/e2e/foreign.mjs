// What a page of another site can do with somebody's session: nothing. And what somebody sees whose session is ended while he works.
import { request } from "playwright-core";
import { open } from "./browser.mjs";

const { url, lang, cookie, cookieName, session, token } = JSON.parse(process.argv[2]);
const b = await open({ url, lang });
const { page } = b;
const found = {};
try {
  await b.context.addCookies([{ name: cookieName, value: cookie, url, secure: true, httpOnly: true, sameSite: "Strict" }]);
  const document = JSON.stringify({ data: { type: "cert_server", attributes: { cn: "csrf.example" } } });
  await page.route("https://other.example/", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<!doctype html><title>x</title><form method="post" enctype="text/plain" action="${url}/api/v2.0/cert_server">` +
        `<input name='${document.slice(0, -1)},"x":"' value='"}'></form>`,
    }),
  );
  await page.goto("https://other.example/");
  // A form, as any page can send one
  const [answer] = await Promise.all([page.waitForResponse((r) => r.url().includes("cert_server")), page.evaluate(() => document.forms[0].submit())]);
  found.form = answer.status() >= 400;
  await page.waitForURL(/cert_server/);
  await page.waitForLoadState();
  await page.goto("https://other.example/");
  // Scripts: with the cookie, with and without our header
  const fetched = await page.evaluate(
    async ([to, body]) => {
      const outcomes = [];
      for (const headers of [{}, { "X-Siegel-Console": "1" }, { "Content-Type": "application/vnd.api+json", "X-Siegel-Console": "1" }]) {
        outcomes.push(await fetch(to, { method: "POST", credentials: "include", headers, body }).then((r) => r.type, () => "refused"));
      }
      outcomes.push(await fetch(to, { method: "POST", credentials: "include", mode: "no-cors", body }).then((r) => r.type, () => "refused"));
      return outcomes;
    },
    [`${url}/api/v2.0/cert_server`, document],
  );
  found.fetched = fetched.every((o) => o === "refused" || o === "opaque");

  // Ended from elsewhere: the next thing that somebody does leads to the way in, and says so
  await page.goto(`${url}/console/certificates`);
  await page.getByRole("grid").waitFor();
  const elsewhere = await request.newContext({ ignoreHTTPSErrors: true });
  const gone = await elsewhere.delete(`${url}/api/v2.0/sessions/${session}`, { headers: { Authorization: `Bearer ${token}` } });
  found.gone = gone.status();
  await elsewhere.dispose();
  await page.getByRole("navigation").getByRole("link", { name: b.w.dashboard, exact: true }).click();
  await b.heading(b.w.signIn);
  await page.getByText(b.w.ended).waitFor();
  found.ended = true;
} catch (error) {
  found.failed = String(error);
} finally {
  const faults = b.faults.filter((f) => !/other\.example|CORS|net::ERR_FAILED|status of 415/.test(f));
  const foreign = b.foreign.filter((f) => !f.startsWith("https://other.example/"));
  console.log(JSON.stringify({ ...found, faults, foreign, violations: b.violations }));
  await b.close();
}
