import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { api, ApiError, onProof } from "./client";

const WANTED = { errors: [{ status: "403", code: "forbidden", detail: "prove your second factor again first", source: { header: "Cookie" } }] };

const answer = (status: number, body?: unknown) => new Response(body === undefined ? null : JSON.stringify(body), { status });

let asked: Request[] = [];
let answers: Response[] = [];

beforeEach(() => {
  asked = [];
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.stubGlobal("fetch", (request: Request) => {
    asked.push(request);
    return Promise.resolve(answers.shift() ?? answer(500));
  });
});
afterEach(() => {
  onProof(null);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const remove = () => api.DELETE("/passkeys/{id}", { baseUrl: "https://siegel.test/api", params: { path: { id: "7" } } });

describe("what wants a proof", () => {
  it("is asked once more after it", async () => {
    const ask = vi.fn(() => Promise.resolve(true));
    onProof(ask);
    answers = [answer(403, WANTED), answer(204)];
    await remove();
    expect(ask).toHaveBeenCalledTimes(1);
    expect(asked.map((r) => [r.method, new URL(r.url).pathname])).toEqual([["DELETE", "/api/passkeys/7"], ["DELETE", "/api/passkeys/7"]]);
  });
  it("fails as it did when nobody proves anything", async () => {
    onProof(() => Promise.resolve(false));
    answers = [answer(403, WANTED)];
    await expect(remove()).rejects.toBeInstanceOf(ApiError);
    expect(asked).toHaveLength(1);
  });
  it("isn't asked for twice, and not for what is forbidden anyway", async () => {
    const ask = vi.fn(() => Promise.resolve(true));
    onProof(ask);
    answers = [answer(403, WANTED), answer(403, WANTED)];
    await expect(remove()).rejects.toMatchObject({ status: 403 });
    answers = [answer(403, { errors: [{ status: "403", detail: "the role doesn't have the right" }] })];
    await expect(remove()).rejects.toMatchObject({ status: 403 });
    expect(ask).toHaveBeenCalledTimes(1);
  });
});

describe("what the page asks by itself", () => {
  it("says so when nobody has touched it for a minute", async () => {
    const page = new EventTarget();
    vi.stubGlobal("window", page);
    vi.resetModules();
    const fresh = await import("./client");
    const look = async () => {
      answers = [answer(200, { data: {} })];
      await fresh.api.GET("/sessions/current", { baseUrl: "https://siegel.test/api" });
      return asked.at(-1)?.headers.get("X-Siegel-Background");
    };
    expect(await look()).toBeNull();
    vi.setSystemTime(Date.now() + 61_000);
    expect(await look()).toBe("1");
    page.dispatchEvent(new Event("keydown"));
    expect(await look()).toBeNull();
  });
});
