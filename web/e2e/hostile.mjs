// Names that somebody else chose, on every screen that shows them: text and nothing else. And no page of another site frames the console.
import { open } from "./browser.mjs";

const { url, lang, cookie, cookieName, made } = JSON.parse(process.argv[2]);
const b = await open({ url, lang });
const { page } = b;
const found = { texts: [], dialogs: 0 };
page.on("dialog", () => found.dialogs++);
try {
  await b.context.addCookies([{ name: cookieName, value: cookie, url, secure: true, httpOnly: true, sameSite: "Strict" }]);
  // What the first page weighs, compressed as it comes, with all that it loads later on
  const sizes = [];
  const weigh = (r) => sizes.push(r.sizes().then((s) => s.responseBodySize + s.responseHeadersSize));
  page.on("requestfinished", weigh);
  await page.goto(`${url}/console/`);
  await page.locator(".siegel-figure").first().waitFor();
  found.milliseconds = Math.round(await page.evaluate(() => performance.now()));
  await page.locator(".siegel-donut svg").first().waitFor();
  await page.waitForLoadState("networkidle");
  page.off("requestfinished", weigh);
  found.answers = sizes.length;
  found.weight = (await Promise.all(sizes)).reduce((sum, n) => sum + n, 0);
  // How long it takes: the best of five with nothing kept. Of a machine that does other things besides, what its processor did for the page counts, in
  // the thread's own time, which stands still while others run.
  const cdp = await b.context.newCDPSession(page);
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  const worked = async () => (await cdp.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration").value * 1000;
  found.cpu = [];
  found.times = [];
  for (let i = 0; i < 5; i++) {
    await page.goto(`${url}/console/`, { waitUntil: "commit" });
    await page.locator(".siegel-figure").first().waitFor();
    found.times.push(Math.round(await page.evaluate(() => performance.now())));
    found.cpu.push(Math.round(await worked())); // of this page alone: it begins anew with each
  }
  await cdp.detach();
  await page.goto(`${url}/console/certificates`);
  await page.getByRole("grid").waitFor();
  for (const [id, text] of made) {
    await page.goto(`${url}/console/certificates/${id}`);
    await page.getByRole("tab").first().waitFor();
    await page.getByText(`note: ${text}`, { exact: true }).waitFor();
    // Whatever it could start would run by now: a picture that isn't there has failed, and its handler has had its turn.
    await page.evaluate(() => new Promise((resolve) => {
      const image = document.createElement("img");
      image.onerror = () => setTimeout(resolve);
      image.src = "x";
    }));
    const strange = await page.evaluate(
      () => document.querySelectorAll("main script, main img[src=x], main svg[onload], a[href^='javascript:']").length,
    );
    found.texts.push(strange === 0);
  }
  await b.look("certificate-hostile");
  // A frame around the console stays empty.
  await page.route("https://other.example/", (route) =>
    route.fulfill({ contentType: "text/html", body: `<!doctype html><title>x</title><iframe src="${url}/console/"></iframe>` }),
  );
  await page.goto("https://other.example/");
  // The page is loaded when its frame is: with what came, or with the browser's own page of a refusal.
  const frame = page.frames().find((f) => f !== page.mainFrame());
  found.frame = frame?.url();
  found.framed = frame ? await frame.evaluate(() => Boolean(document.querySelector("#root"))).catch(() => false) : false;
  // After signing out nothing is to be seen by going back.
  await page.goto(`${url}/console/account`);
  await page.getByRole("button", { name: b.w.menu }).click();
  await page.getByRole("menuitem", { name: b.w.signOut }).click();
  await b.heading(b.w.signIn);
  await page.goBack();
  await b.heading(b.w.signIn);
  await page.goto(`${url}/console/certificates/${made[0][0]}`);
  await b.heading(b.w.signIn);
  found.afterSignOut = true;
} catch (error) {
  found.failed = String(error);
} finally {
  // That the frame was refused is what is wanted; the page of the other site is the test's own.
  const faults = b.faults.filter((f) => !/frame/i.test(f));
  const foreign = b.foreign.filter((f) => !f.startsWith("https://other.example/"));
  console.log(JSON.stringify({ ...found, faults, foreign, violations: b.violations }));
  await b.close();
}
