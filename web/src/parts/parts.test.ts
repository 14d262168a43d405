import { describe, expect, it } from "vitest";
import { QueryClient } from "@tanstack/react-query";
import { errorOf } from "../api/client";
import { renewAll } from "../api/keys";
import { firstLanguage } from "../i18n";
import { fieldOf, named, wayOf } from "./ErrorAlert";
import { inField } from "./Field";
import { pathOf } from "./QrCode";

describe("errors", () => {
  const answer = (body: string, status = 422, headers = {}) => new Response(body, { status, headers });
  it("are read from a JSON:API document", async () => {
    const text = JSON.stringify({ errors: [{ code: "bad_value", detail: "cert_days: too many", source: { pointer: "/data/attributes/cert_days" } }] });
    const error = await errorOf(answer(text));
    expect(error.message).toBe("cert_days: too many");
    expect(error.about("cert_days") && !error.about("cn")).toBe(true);
    expect(fieldOf(error.first ?? {}, { cert_days: "Valid for days" })).toBe("Valid for days");
  });
  it("in a list are its field's, and say which", async () => {
    const error = await errorOf(answer(JSON.stringify({ errors: [{ detail: "DNS name: x", source: { pointer: "/data/attributes/dns/1" } }] })));
    expect([error.about("dns"), error.about("dn"), error.about("cn")]).toEqual([true, false, false]);
    expect(fieldOf(error.first ?? {}, { dns: "Host names" })).toBe("Host names, 2");
  });
  it("call an attribute by the form's word", () => {
    const labels = { cert_days: "Valid for days", name: "Name" };
    expect(named("cert_days has to be between 1 and 9", labels)).toBe("Valid for days: has to be between 1 and 9");
    expect(named("name: too long", labels)).toBe("Name: too long");
    expect([named("name it", labels), named("constructor: x", labels), named("", labels)]).toEqual(["name it", "constructor: x", ""]);
  });
  it("needn't call it at all at the field", () => {
    expect([inField("cert_days has to be more", "cert_days"), inField("cn: too long", "cn"), inField("name it", "name"), inField("x: y", "")]).toEqual(
      ["has to be more", "too long", "name it", "x: y"],
    );
  });
  it("that something else wrote speak by their status", async () => {
    const error = await errorOf(answer("<html>", 502, { "Retry-After": "2" }));
    expect([error.status, error.message, error.retryAfter]).toEqual([502, "HTTP 502", 2]);
    expect(fieldOf(error.first ?? {}, {})).toBeNull();
  });
  it("have a way out, whatever their code", () => {
    expect([wayOf("policy"), wayOf("busy"), wayOf("what_is_new"), wayOf(undefined), wayOf("toString")]).toEqual([
      "policy", "unavailable", "other", "other", "other",
    ]);
  });
});

describe("languages", () => {
  const leaves = (words: object): string[] =>
    Object.entries(words).flatMap(([key, value]) => (typeof value === "string" ? [`${key}=${value}`] : leaves(value as object).map((l) => `${key}.${l}`)));
  const files = import.meta.glob<{ default: object }>("../i18n/{en,de}/*.ts", { eager: true });
  const areas = Object.keys(files).filter((f) => f.includes("/en/"));
  it.each(areas)("have the same words, with the same gaps: %s", (file) => {
    const gaps = (l: string) => `${l.split("=")[0]} ${(l.match(/\{\{\w+\}\}/g) ?? []).sort().join(" ")}`;
    const words = (f: string) => leaves(files[f]?.default ?? {}).map(gaps);
    expect(words(file).length).toBeGreaterThan(0);
    expect(words(file.replace("/en/", "/de/"))).toEqual(words(file));
  });
  it("are chosen, or the browser's, or English", () => {
    expect([firstLanguage("de", ["en"]), firstLanguage(null, ["fr", "de-AT"]), firstLanguage("xx", []), firstLanguage(null, ["fr"])]).toEqual([
      "de", "de", "en", "en",
    ]);
  });
});

it("a QR code is drawn here, with a quiet zone", () => {
  const { path, size } = pathOf("otpauth://totp/Siegel:admin?secret=ABC&issuer=Siegel");
  expect(size).toBeGreaterThan(29);
  expect(path.startsWith("M4 4h1v1h-1z")).toBe(true);
  expect(path).not.toMatch(/M[0-3] /);
});

it("a change makes everything be asked for anew but the session, and what says so itself", async () => {
  const client = new QueryClient();
  const keys = [["session"], ["page", "/cas?page%5Bsize%5D=20"], ["one", "/jobs/8"], ["list", "/cas"], ["one", "/jobs/7"]];
  keys.forEach((key) => client.setQueryData(key, 1));
  await renewAll(client, "/jobs/7");
  expect(keys.filter((key) => client.getQueryState(key)?.isInvalidated)).toEqual([["page", "/cas?page%5Bsize%5D=20"], ["one", "/jobs/8"], ["list", "/cas"]]);
});
