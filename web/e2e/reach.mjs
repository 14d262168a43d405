// Who reaches what: with the keyboard alone, with a finger on a tablet, without the right, and before there is a CA. Prints what it found as JSON.
import { readFileSync } from "node:fs";
import { open, PASSWORD, totp } from "./browser.mjs";

const { url, lang, part, cookies, cookieName, name, secret, certificate, device, mark, expert, says, shots, dark, width, height, touch } = JSON.parse(process.argv[2]);
const b = await open({ url, lang, shots, dark, width, height, touch });
const { page, look } = b;
const found = {};
const as = async (value) => {
  await b.context.clearCookies();
  await b.context.addCookies([{ name: cookieName, value, url, secure: true, httpOnly: true, sameSite: "Strict" }]);
};
const settled = () => page.waitForFunction(() => !document.querySelector(".pf-v6-c-skeleton, .pf-v6-c-spinner, [aria-busy=true]"));
const key = (what) => page.keyboard.press(what);

/** What has the focus, as one would say it. */
const focused = () =>
  page.evaluate(() => {
    const at = document.activeElement;
    const label = at?.labels?.[0]?.innerText;
    return at === document.body ? "nothing" : `${at?.tagName.toLowerCase()} ${at?.getAttribute("aria-label") || label || at?.innerText || at?.getAttribute("name") || ""}`.trim().replace(/\s+/g, " ");
  });
/** Tab after tab until that has it; gives how many it took. */
async function tabTo(what, most = 12, by = "Tab") {
  const seen = [];
  for (let n = 0; n <= most; n++) {
    const at = await focused();
    if (what.test(at)) {
      return n;
    }
    seen.push(at);
    await key(by);
  }
  throw new Error(`no ${what} within ${most} tabs: ${seen.join(" | ")}`);
}
/** The heading of the new page has the focus. */
const arrived = (text) => page.waitForFunction((t) => document.activeElement?.tagName === "H1" && document.activeElement.innerText === t, text);
const file = async (act) => {
  const [download] = await Promise.all([page.waitForEvent("download"), act()]);
  return [download.suggestedFilename(), readFileSync(await download.path()).toString("base64")];
};

async function signIn(then) {
  await b.heading("Anmelden");
  await tabTo(/^input Konto/, 20);
  await page.keyboard.type(name);
  await tabTo(/^input Passwort/);
  await page.keyboard.type(PASSWORD);
  await key("Enter");
  await page.getByLabel(b.w.digits).waitFor();
  await tabTo(/Sechs Ziffern/, 20);
  await page.keyboard.type(totp(secret));
  await key("Enter");
  await arrived(then);
}

/** The help by its key, and back to where one was. */
async function help(title) {
  await key("F1");
  await page.waitForFunction((t) => document.activeElement?.tagName === "H2" && document.activeElement.innerText === t, title);
  found.help = [...(found.help ?? []), await page.locator(".siegel-help").innerText()];
  await look(`help-${found.help.length}`);
  await key("Escape");
  await page.locator(".siegel-help").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-keyshortcuts") === "F1");
  found.helpLeft = await focused();
}

const parts = {
  // Signs in, finds the form by the palette, issues, takes key and certificate away.
  async console() {
    await page.goto(`${url}/console/`);
    await signIn("Übersicht");
    await key("Control+k");
    await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "combobox");
    await page.keyboard.type("ausstellen");
    await page.locator(".siegel-palette-option[aria-selected=true]", { hasText: "Zertifikat ausstellen" }).waitFor();
    await key("Enter");
    await arrived("Zertifikat ausstellen");
    await page.locator("#key-own").waitFor();
    found.tabs = await tabTo(/^input Ich habe einen Antrag/);
    await key("ArrowDown");
    await page.locator("#key-here:checked").waitFor();
    await tabTo(/^input Name/);
    await page.keyboard.type(`tasten-${mark}.example`);
    await page.locator("main form button[type=submit]:enabled").waitFor(); // once it is known by which profiles one may ask
    await key("Enter");
    await page.waitForFunction(() => document.activeElement?.classList.contains("siegel-arrived"));
    found.result = await focused();
    found.live = await page.locator(".siegel-arrived [aria-live]").count();
    await tabTo(/^button Kopieren: Privater Schlüssel/);
    await key("Enter");
    await page.getByRole("button", { name: "Kopiert: Privater Schlüssel" }).waitFor();
    found.copied = await page.evaluate(() => navigator.clipboard.readText());
    await tabTo(/^button Herunterladen: Zertifikat/);
    found.file = await file(() => key("Enter"));
    found.words = await page.getByRole("button", { name: "Herunterladen: Zertifikat" }).innerText();
    await look("issued-keys");
    await help("Hilfe: Zertifikat ausstellen");
    // Back by a link of the page: the focus is at the heading of what has come.
    await tabTo(/^a Zur Seite des Zertifikats/, 60);
    await key("Enter");
    await arrived(`tasten-${mark}.example`);
  },

  // The portal likewise: asks for a pass and fetches it.
  async portal() {
    await page.goto(`${url}/portal/`);
    await signIn("Meine Geräte");
    await help("Hilfe: Meine Geräte");
    await tabTo(/^a Einen anfordern/, 20);
    await key("Enter");
    await arrived("Einen anfordern");
    await help("Hilfe: Einen anfordern");
    await tabTo(/^input Name des Geräts/, 40);
    await page.keyboard.type(`fraese-${mark}`);
    await tabTo(/^input Passwort der Datei/);
    await page.keyboard.type("eight or more");
    await page.locator("main form button[type=submit]:enabled").waitFor();
    await key("Enter");
    await arrived(`fraese-${mark}`);
    await page.getByRole("button", { name: "Abholen", exact: true }).waitFor();
    await tabTo(/^button Abholen/);
    found.file = await file(() => key("Enter"));
  },

  // A new person: the account with its role, then the code for the first sign-in at once.
  async person() {
    await as(cookies.console);
    await page.goto(`${url}/console/r/credentials/new`);
    await page.locator("main form select").first().waitFor();
    const pem = page.getByLabel("Zertifikat (PEM)");
    const kind = page.getByLabel("Art", { exact: false }).and(page.locator("select"));
    await kind.selectOption("certificate");
    await pem.waitFor();
    await kind.selectOption("one_time");
    await pem.waitFor({ state: "detached" });
    await page.goto(`${url}/console/r/accounts/new`);
    await page.locator("main form").waitFor();
    found.enabled = await page.locator("select[id$=-enabled]").evaluate((one) => one.selectedOptions[0].innerText);
    await page.locator("input[id$=-name]").fill(name);
    await page.locator("input[id$=-role]").fill("requestor");
    await page.locator("[role=listbox][aria-busy=false]").getByRole("option", { name: "requestor" }).first().click();
    await page.locator("main form button[type=submit]").click();
    await page.waitForFunction(() => document.activeElement?.classList.contains("siegel-arrived"));
    await look("person");
    await page.getByRole("button", { name: "Einmalcode erzeugen" }).click();
    await page.locator(".siegel-once code").waitFor();
    found.code = (await page.locator(".siegel-once code").first().innerText()).trim();
    await look("person-code");
    await page.getByRole("button", { name: "Ich habe es aufbewahrt" }).click();
    await page.getByText("Angelegt.").waitFor();
    found.still = (await page.content()).includes(found.code);
  },

  // A tablet: targets large enough for a finger, and nothing to be pushed sideways.
  async touch() {
    const small = () =>
      page.evaluate(() => {
        const out = [];
        for (const one of document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=button], [role=tab], [tabindex='0']")) {
          const style = getComputedStyle(one);
          const box = one.getBoundingClientRect();
          const hidden = style.visibility === "hidden" || box.width <= 1 || box.height <= 1 || one.closest(".pf-v6-screen-reader, .pf-v6-c-skip-to-content, [hidden], [inert]");
          const off = box.right <= 0 || box.left >= innerWidth;
          // A link within a sentence is as high as its line (the exception of 2.5.8).
          const around = one.parentElement?.innerText.trim() ?? "";
          const sentence = one.tagName === "A" && style.display === "inline" && around.length > one.innerText.trim().length + 12;
          const label = one.tagName === "INPUT" && one.labels?.[0]?.getBoundingClientRect();
          const [w, h] = label && label.height >= 24 && label.width >= 24 && one.closest("label") ? [24, 24] : [box.width, box.height];
          if (!hidden && !off && !sentence && !one.disabled && (w < 23.9 || h < 23.9)) {
            out.push(`${one.tagName.toLowerCase()}.${one.className.toString().split(" ").slice(0, 2).join(".")} "${(one.getAttribute("aria-label") || one.innerText || one.id).slice(0, 30)}" ${Math.round(box.width)}×${Math.round(box.height)}`);
          }
        }
        return out;
      });
    const wide = () =>
      page.evaluate(() =>
        [document.documentElement, ...document.querySelectorAll("main, .siegel-scroll, .pf-v6-c-page__main-container")]
          .filter((one) => one.scrollWidth > one.clientWidth + 1)
          .map((one) => `${one.tagName.toLowerCase()}.${one.className}: ${one.scrollWidth} > ${one.clientWidth}`),
      );
    found.targets = {};
    found.overflow = {};
    const screens = [
      [cookies.console, ["/console/", "/console/issue", "/console/certificates", `/console/certificates/${certificate}`, "/console/approvals", "/console/account"]],
      [cookies.portal, ["/portal/", `/portal/devices/${device}`, "/portal/one", "/portal/many", "/portal/waiting", "/portal/account"]],
    ];
    for (const [cookie, paths] of screens) {
      await as(cookie);
      for (const path of paths) {
        await page.goto(url + path);
        await page.locator("main h1").waitFor();
        await page.waitForLoadState("networkidle");
        await settled();
        found.targets[path] = await small();
        found.overflow[path] = await wide();
        await look(`touch${path.replace(/[^a-z]/g, "-")}`);
      }
    }
  },

  // Without the right: told so before anything is asked for.
  async forbidden() {
    await as(cookies.console);
    found.asked = [];
    page.on("response", (r) => r.status() === 403 && found.asked.push(r.url()));
    found.screens = {};
    for (const path of ["/audit", "/issue", "/hierarchy/new"]) {
      await page.goto(`${url}/console${path}`);
      await page.locator("main h1").waitFor();
      await settled();
      await page.waitForFunction(() => document.title.startsWith(document.querySelector("main h1").innerText));
      found.screens[path] = { text: await page.locator("main").innerText(), red: await page.locator(".siegel-error").count(), title: await page.title() };
    }
    await look("forbidden");
    await page.locator("main").getByRole("link").first().click();
    await page.waitForFunction(() => document.activeElement?.tagName === "H1");
    found.at = new URL(page.url()).pathname;
  },

  // Before there is a CA: each screen says so, with the way for whoever may go it.
  async before() {
    found.screens = {};
    for (const [who, cookie] of Object.entries(cookies)) {
      await as(cookie);
      for (const path of ["/", "/issue", "/certificates", "/hierarchy"]) {
        await page.goto(`${url}/console${path}`);
        await page.locator("main h1").waitFor();
        const main = page.locator("main");
        await main.getByText(says).first().waitFor();
        await settled();
        found.screens[`${who} ${path}`] = {
          text: await main.innerText(), forms: await main.locator("form").count(), ways: await main.locator("a[href$='/hierarchy/new']").count(),
        };
        if (path === "/issue") {
          await look(`before-${who}`);
        }
      }
    }
  },
};

try {
  if (expert) {
    await page.addInitScript(() => localStorage.setItem("siegel.view", "expert"));
  }
  await parts[part]();
  found.done = true;
} catch (error) {
  found.failed = `${error} (focus: ${await focused().catch(() => "?")})`;
  if (shots) {
    await page.screenshot({ path: `${shots}/failed-reach-${part}.png` }).catch(() => {});
  }
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
