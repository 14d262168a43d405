// The expert view: every resource has its list and its page; one role from the form to the store and back, with what can go wrong on the way.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { request } from "playwright-core";
import { atRest, open } from "./browser.mjs";

const { url, lang, cookie, auditor, cookieName, token, lists, things, role, account, shots, dark, width } = JSON.parse(process.argv[2]);
const WORDS = {
  en: {
    expert: "Expert", create: "Create a role", name: "Name", rights: "Rights", title: "Title", save: "Create", store: "Save", change: "Change", load: "Load what is there now",
    remove: "Delete", removed: "It is deleted.", faster: /Somebody else has changed it/, changed: "The change is stored.", created: "It is created.", credential: "Make a credential",
    kind: "Kind", account: "Account", once: "Shown this once", kept: "I have kept it", menu: "Carry out", withdrawn: "It is deleted.", right: "Revoke, hold and release certificates",
    typed: "certificates.rev", forbidden: "Your account may not see this",
  },
  de: {
    expert: "Experten", create: "Rolle anlegen", name: "Name", rights: "Rechte", title: "Titel", save: "Anlegen", store: "Speichern", change: "Ändern", load: "Jetzigen Stand laden",
    remove: "Löschen", removed: "Gelöscht.", faster: /Inzwischen hat jemand anders/, changed: "Die Änderung ist gespeichert.", created: "Angelegt.", credential: "Zugang erzeugen",
    kind: "Art", account: "Konto", once: "Wird nur dieses eine Mal gezeigt", kept: "Ich habe es aufbewahrt", menu: "Ausführen", withdrawn: "Gelöscht.",
    right: "Zertifikate sperren, vorläufig sperren und freigeben", typed: "certificates.rev", forbidden: "Das darf Ihr Konto nicht sehen",
  },
};
const w = WORDS[lang];
const b = await open({ url, lang, dark, shots, width });
const { page } = b;
const found = { offered: [], lists: {}, things: {} };

const signIn = (value) => b.context.addCookies([{ name: cookieName, value, url, secure: true, httpOnly: true, sameSite: "Strict" }]);
const go = (path) => b.go(`/console${path}`);
const settled = async () => {
  await page.locator("main h1").waitFor();
  await page.waitForFunction(() => !document.querySelector("main .pf-v6-c-skeleton, main .pf-v6-c-spinner"));
};
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** axe on what the screen has of its own; the frame is looked at once. It is put into the page once: bringing it each time takes longer than looking. */
const look = async (name) => {
  if (!(await page.evaluate(() => "axe" in window))) {
    await page.evaluate(AXE);
  }
  const violations = await atRest(page, () =>
    page.evaluate(() => window.axe.run(document.querySelector("[role=dialog]") ?? "main", { resultTypes: ["violations"] }).then((seen) => seen.violations)),
  );
  b.violations[name] = violations.map((v) => `${v.id}: ${v.help} (${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join("; ")})`);
  if (shots) {
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: `${shots}/expert-${name.replaceAll("/", "-")}-${lang}${dark ? "-dark" : ""}.png` });
  }
};
const heading = () => page.locator("main h1").innerText();
const visit = async (path, name) => {
  await go(path);
  await settled();
  await look(name);
  return { heading: await heading(), errors: await page.locator("main .siegel-error").count() };
};
const choose = async (label, text, option) => {
  await page.getByRole("combobox", { name: label, exact: true }).fill(text);
  // Of what was typed: the list that stood there before it would give way under the mouse.
  const list = page.locator("[role=listbox][aria-busy=false]");
  await list.getByRole("option", { name: option }).first().waitFor();
  const fitting = await list.getByRole("option").allInnerTexts();
  await list.getByRole("option", { name: option }).first().click();
  return fitting;
};

try {
  await signIn(cookie);
  await page.goto(`${url}/console/`);
  await settled();
  const toggle = page.locator("#siegel-nav-toggle");
  if ((await toggle.getAttribute("aria-expanded")) !== "true") {
    await toggle.click();
  }
  await page.getByRole("button", { name: w.expert, exact: true }).click();
  await page.locator("nav button[aria-expanded]").first().waitFor();
  const shut = page.locator("nav button[aria-expanded=false]");
  while ((await shut.count()) > 0) {
    await shut.first().click();
  }
  await page.locator('nav a[href="/console/r/openapi.json"]').waitFor();
  found.offered = await page.locator('nav a[href^="/console/"]').evaluateAll((links) => links.map((a) => a.getAttribute("href").replace("/console", "")));
  await b.look(`expert-navigation`);
  await page.reload();
  await page.locator("nav button[aria-expanded]").first().waitFor({ state: "attached" }); // the choice stays

  for (const name of lists) {
    found.lists[name] = await visit(`/r/${name}`, `list ${name}`);
  }
  for (const [name, id] of things) {
    found.things[name] = await visit(`/r/${name}/${encodeURIComponent(id)}`, `thing ${name}`);
  }
  await go("/r/audit_events");
  await page.getByRole("heading", { level: 1, name: w.forbidden }).waitFor();
  await go("/r/nothing");
  await settled();

  if (role) {
    // One role: a fault at its field, then into the store
    await go("/r/roles");
    await page.getByRole("link", { name: w.create }).first().click();
    await page.getByRole("textbox", { name: w.name, exact: true }).fill("No such Name!");
    await page.getByRole("button", { name: w.save, exact: true }).click();
    await page.locator(".pf-v6-c-helper-text__item.pf-m-error").first().waitFor(); // no right is chosen: found without asking
    found.fitting = await choose(w.rights, w.typed, w.right);
    await page.getByRole("button", { name: w.save, exact: true }).click();
    await page.locator(".siegel-error").waitFor();
    await settled();
    found.atField = await page.getByRole("textbox", { name: w.name, exact: true }).evaluate((input) => {
      const said = document.getElementById(input.getAttribute("aria-describedby"));
      return said?.innerText ?? "";
    });
    await look("role-error");
    await page.getByRole("textbox", { name: w.name, exact: true }).fill(role);
    await page.getByRole("button", { name: w.save, exact: true }).click();
    await page.getByText(w.created).waitFor();
    await settled();
    await look("role-made");
    const id = decodeURIComponent(page.url().split("/").pop());
    // Somebody else is faster
    await page.locator("main").getByRole("link", { name: w.change, exact: true }).click();
    await page.getByRole("textbox", { name: w.title, exact: true }).fill("mine");
    const elsewhere = await request.newContext({ ignoreHTTPSErrors: true });
    const media = "application/vnd.api+json";
    const other = await elsewhere.patch(`${url}/api/v2.0/roles/${id}`, {
      headers: { Authorization: `Bearer ${token}`, "Content-Type": media, Accept: media },
      data: JSON.stringify({ data: { type: "roles", id, attributes: { title: "theirs" } } }),
    });
    found.elsewhere = other.status();
    await page.getByRole("button", { name: w.store, exact: true }).click();
    await page.getByText(w.faster).waitFor();
    await look("role-faster");
    await page.getByRole("button", { name: w.load }).click();
    await page.waitForFunction((label) => [...document.querySelectorAll("main input")].some((i) => i.value === "theirs" && label), w.title);
    await page.getByRole("textbox", { name: w.title, exact: true }).fill("mine after all");
    await page.getByRole("button", { name: w.store, exact: true }).click();
    await page.getByText(w.changed).waitFor();
    const after = await elsewhere.get(`${url}/api/v2.0/roles/${id}`, { headers: { Authorization: `Bearer ${token}`, Accept: media } });
    found.stored = (await after.json()).data.attributes;
    // A list that finds it, and its end
    await go(`/r/roles?filter[name]=${role}`);
    await page.getByRole("link", { name: role, exact: true }).waitFor();
    await page.getByRole("button", { name: `${w.menu}: ${role}` }).click();
    await page.getByRole("menuitem", { name: w.remove }).click();
    await page.getByRole("dialog").waitFor();
    await look("role-remove");
    await page.getByRole("dialog").getByRole("button", { name: w.remove, exact: true }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" }); // under it nothing is there for anybody
    await page.getByRole("link", { name: role, exact: true }).waitFor({ state: "detached" });
    const gone = await elsewhere.get(`${url}/api/v2.0/roles/${id}`, { headers: { Authorization: `Bearer ${token}`, Accept: media } });
    found.gone = gone.status();
    await elsewhere.dispose();
  }

  if (account) {
    // A credential: its secret this once, to be copied
    await go("/r/credentials/new");
    await choose(w.account, account, account);
    await page.getByRole("combobox", { name: w.kind, exact: true }).selectOption("token");
    await page.getByRole("button", { name: w.save, exact: true }).click();
    await page.getByText(w.once).waitFor();
    const once = page.locator(".siegel-once .siegel-code").first();
    await once.waitFor();
    await look("credential-once");
    found.secret = await b.copied(once);
    await page.getByRole("button", { name: w.kept }).click();
    await page.getByText(w.created).waitFor();
    await settled();
    found.still = (await page.content()).includes(found.secret);
    // From it to its account, and from there to all that the account has
    await page.locator("main").getByRole("link", { name: account, exact: true }).click();
    await page.waitForURL(/\/r\/accounts\/\d+$/);
    found.account = page.url().split("/").pop();
    await page.locator('main a[href*="/r/credentials?"]').click();
    await page.waitForURL(/\/r\/credentials\?/);
    await page.locator("main tbody tr").first().waitFor();
    await settled();
    found.credentials = await page.locator('main tbody tr th a, main tbody tr td:first-child a').evaluateAll((all) => all.map((a) => a.getAttribute("href").split("/").pop()));
    await look("credentials-of-account");
  }

  // What the audit log has is for whoever may read it, and for nobody else
  await signIn(auditor);
  await page.goto(`${url}/console/r/audit_events`);
  await settled();
  await page.locator("main tbody tr").first().waitFor();
  found.audit = await page.locator("main tbody tr").count();
  await look("list audit_events");
  await page.locator("main tbody a").first().click();
  await page.waitForURL(/audit_events\/.+/);
  await page.locator("main tbody").waitFor({ state: "detached" }); // the address is there before the page
  await settled();
  await look("thing audit_events");
  found.lists.audit_seals = await visit("/r/audit_seals", "list audit_seals");
  await go("/r/roles");
  await settled();
  found.auditorCreates = await page.locator("main").getByRole("link", { name: w.create }).count();
  await go("/r/roles/new");
  await page.getByRole("heading", { level: 1, name: w.forbidden }).waitFor();
  found.done = true;
} catch (error) {
  found.failed = String(error);
  if (shots) {
    await page.screenshot({ path: `${shots}/failed-expert-${lang}.png` }).catch(() => {});
  }
} finally {
  console.log(JSON.stringify({ ...found, faults: b.faults, foreign: b.foreign, violations: b.violations }));
  await b.close();
}
