import { describe, expect, it } from "vitest";
import { foundBy, isTooLong } from "../api/counts";
import { ApiError } from "../api/client";
import { addressWith, choiceOf, type Condition, conditionsOf, extend, groupsOf, hasRoom, isAny, isLong, join, parameterOf, queryOf, without } from "./inventory";

const of = (text: string) => conditionsOf(new URLSearchParams(text), "2026-11-22");
const name = (value: string): Condition => ({ attribute: "common_name", op: "contains", value });

describe("conditions of which one is enough", () => {
  it("are read from the address and asked for", () => {
    const text = "filter[any.2][common_name][contains]=a&filter[any.1][metadata.site]=Ulm&filter[status]=issued&filter[any.9][owner]=x&filter[any.1][der]=x";
    expect(of(text)).toEqual([
      { attribute: "common_name", op: "contains", value: "a", group: 2 }, { attribute: "metadata", op: "eq", value: "Ulm", key: "site", group: 1 },
      { attribute: "status", op: "eq", value: "issued" },
    ]);
    expect(queryOf(new URLSearchParams(text), null)).toEqual({
      "filter[any.2][common_name][contains]": "a", "filter[any.1][metadata.site]": "Ulm", "filter[status]": "issued", "page[size]": "20",
    });
    expect(of(addressWith(new URLSearchParams(), of(text)).toString())).toEqual(of(text));
  });
  it("are joined and parted", () => {
    const some = [name("a"), { ...name("o"), attribute: "owner" as const }];
    const any = join(some, true);
    expect(any.map((c) => c.group)).toEqual([1, 2]);
    expect(isAny(any) && !isAny(some)).toBe(true);
    expect(join(any, false)).toEqual(some);
    const more = extend(any, name("b"));
    expect(more.map(parameterOf)).toEqual(["filter[any.1][common_name][contains]", "filter[any.2][owner][contains]", "filter[any.3][common_name][contains]"]);
    expect(extend(more, name("b"))).toEqual(more);
    expect(groupsOf(without(more, any.slice(0, 1))).map((g) => g[0]?.group)).toEqual([2, 3]);
    expect(extend(without(more, any.slice(0, 1)), name("c")).at(-1)?.group).toBe(1);
    expect(join(more, false)).toEqual([some[1], name("b")]); // what says the same counts once
  });
  it("are eight at most", () => {
    let all = join([name("0")], true);
    for (let n = 1; n < 12; n++) {
      all = extend(all, name(String(n)));
    }
    expect(all).toHaveLength(8);
    expect(hasRoom(all)).toBe(false);
    expect(hasRoom(all.slice(1))).toBe(true);
  });
  it("mean the same for what is done to many", () => {
    expect(choiceOf(of("filter[any.1][owner]=eva&filter[any.1][status][in]=issued,held&filter[any.4][serial]=00AB&filter[source]=est"))).toEqual({
      source: { eq: "est" }, any: [{ owner: { eq: "eva" }, status: { in: ["issued", "held"] } }, { serial: "00ab" }],
    });
  });
  it("and parts of texts are counted by a job", () => {
    expect([isLong([name("a")]), isLong(of("filter[owner]=eva")), isLong(of("filter[any.1][owner]=eva"))]).toEqual([true, false, true]);
  });
});

describe("a count by a job", () => {
  it("has found something once it is done", () => {
    const job = (status: string, result: object) =>
      foundBy({ id: "1", type: "jobs", attributes: { status, result } });
    expect(job("running", { count: 3 })).toBeNull();
    expect(job("failed", {})).toBeNull();
    expect(job("done", { count: 3, refused: 1, judged: 250, sample: [] })).toEqual({ count: 3, refused: 1, judged: 250, sample: [] });
    expect(foundBy(undefined)).toBeNull();
  });
  it("comes after what took too long, and after nothing else", () => {
    const error = (status: number, pointer: string) => new ApiError(status, [{ source: { pointer } } as unknown as ConstructorParameters<typeof ApiError>[1][number]], null);
    expect([error(422, "/data/attributes/filter"), error(422, "/data/attributes/owner"), error(409, "/data/attributes/filter"), new Error("x")].map(isTooLong)).toEqual([
      true, false, false, false,
    ]);
  });
});
