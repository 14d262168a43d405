import { describe, expect, it, vi } from "vitest";
import { ApiError } from "./client";
import { act, addressOf, change, create, itemOf, list, page, remove, send, single } from "./rest";

// The client keeps the fetch that there is when it is made.
const server = vi.hoisted(() => {
  const made = { answer: (_: Request): Promise<Response> => Promise.reject(new Error("nobody answers")) };
  globalThis.fetch = (request) => made.answer(request as Request);
  return made;
});

/** What was asked for, and answers in turn: status, document, headers. */
function serve(...answers: [number, unknown?, Record<string, string>?][]): { method: string; url: string; headers: Headers; body: string }[] {
  const asked: { method: string; url: string; headers: Headers; body: string }[] = [];
  server.answer = async (request) => {
    asked.push({ method: request.method, url: decodeURIComponent(request.url.replace(/^.*\/api\/v2\.0/, "")), headers: request.headers, body: await request.text() });
    const [status, document, headers] = answers.shift() ?? [500];
    return new Response(document === undefined ? null : JSON.stringify(document), { status, headers: { "Content-Type": "application/vnd.api+json", ...headers } });
  };
  return asked;
}

const one = { type: "secrets", id: "7", attributes: { name: "x" } };

describe("the layer over the API", () => {
  it("leaves out of an address what is empty", () => {
    expect(addressOf("/secrets", { a: "", b: null, c: undefined, "page[size]": 0, d: "x&y" })).toBe("/secrets?page%5Bsize%5D=0&d=x%26y");
    expect(addressOf("/secrets?a=1", { b: 2 })).toBe("/secrets?a=1&b=2");
    expect(addressOf("/secrets")).toBe("/secrets");
  });
  it("reads a list to its end, part by part", async () => {
    const asked = serve([200, { data: [one], links: { next: "https://x/api/v2.0/secrets?page%5Bafter%5D=abc" } }], [200, { data: [one], links: { next: null } }]);
    expect(await list("/secrets", { sort: "name" })).toEqual([one, one]);
    expect(asked.map((a) => a.url)).toEqual(["/secrets?sort=name&page[size]=500", "/secrets?sort=name&page[size]=500&page[after]=abc"]);
  });
  it("gives a page with the cursor of the next, and one with what a change rests on", async () => {
    serve([200, { data: [one], links: { next: "/x?page%5Bafter%5D=abc" }, included: [one] }], [200, { data: one }, { ETag: '"3"' }]);
    expect(await page("/secrets")).toEqual({ data: [one], next: "abc", included: [one] });
    expect(await single("/secrets/7")).toEqual({ data: one, etag: '"3"', included: [] });
  });
  it("says as a fault of ours what has no data", async () => {
    serve([200, {}], [200, { data: [one] }]);
    await expect(page("/secrets")).rejects.toThrow(ApiError);
    await expect(single("/secrets/7")).rejects.toThrow("the answer has no data");
    expect(() => itemOf({ item: null, approval: null, job: null })).toThrow(ApiError);
  });
  it("tells what is done from what waits for others, and from what a job does", async () => {
    serve([201, { data: one }], [202, { data: { ...one, type: "approvals" } }], [202, { data: { ...one, type: "jobs" } }], [204]);
    expect(await create("/secrets", "secrets", { name: "x" })).toEqual({ item: one, approval: null, job: null });
    expect(await act("/secrets/7/rotate", "rotate")).toMatchObject({ approval: "7", job: null });
    expect(await act("/secrets/7/rotate", "rotate")).toMatchObject({ approval: null, job: "7" });
    expect(await remove("/secrets/7")).toEqual({ item: null, approval: null, job: null });
  });
  it("sends documents, keys and what a change rests on", async () => {
    const asked = serve([201, { data: one }], [200, { data: one }], [200, { data: one }]);
    await create("/secrets", "secrets", { name: "x" }, "key-1");
    await change("/secrets/7", one, { name: "y" }, '"3"');
    await send({ path: "/imports/1/files", query: { name: "a.p12" }, file: new Blob(["x"]) });
    expect(asked.map((a) => [a.method, a.url, a.body])).toEqual([
      ["POST", "/secrets", '{"data":{"type":"secrets","attributes":{"name":"x"}}}'],
      ["PATCH", "/secrets/7", '{"data":{"type":"secrets","id":"7","attributes":{"name":"y"}}}'],
      ["POST", "/imports/1/files?name=a.p12", "x"],
    ]);
    expect([asked[0]?.headers.get("Idempotency-Key"), asked[1]?.headers.get("If-Match"), asked[2]?.headers.get("Content-Type")]).toEqual(["key-1", '"3"', "application/octet-stream"]);
  });
  it("throws what the API says is wrong", async () => {
    serve([422, { errors: [{ detail: "name: too long", source: { pointer: "/data/attributes/name" } }] }]);
    const error = await create("/secrets", "secrets", {}).catch((e: unknown) => e);
    expect(error instanceof ApiError && error.about("name")).toBe(true);
  });
});
