import { describe, expect, it } from "vitest";
import { browserOf, csvCell, cursorOf, date, fileName, instant, list, octets, stateOf } from "./format";

describe("dates", () => {
  it("speak the page's language", () => {
    expect(date("de", "2027-12-24T12:29:32Z")).toBe("24.12.2027");
    expect(date("en", "2027-12-24T12:29:32Z")).toBe("Dec 24, 2027");
    expect(instant("en", "2027-12-24T12:29:32Z")).toContain("Dec 24, 2027");
  });
  it("are a dash when there is none", () => {
    expect([date("de", null), date("de", undefined), instant("en", "nonsense")]).toEqual(["–", "–", "–"]);
  });
});

describe("stateOf", () => {
  const now = Date.parse("2026-06-01T00:00:00Z");
  const valid = { status: "issued", not_before: "2026-01-01T00:00:00Z", not_after: "2027-01-01T00:00:00Z" };
  it("asks the clock after the store", () => {
    expect(stateOf(valid, now)).toBe("issued");
    expect(stateOf({ ...valid, not_after: "2026-05-31T00:00:00Z" }, now)).toBe("expired");
    expect(stateOf({ ...valid, not_before: "2026-06-02T00:00:00Z" }, now)).toBe("notYet");
  });
  it("stays revoked when it has expired", () => {
    expect(stateOf({ ...valid, status: "revoked", not_after: "2026-05-31T00:00:00Z" }, now)).toBe("revoked");
    expect(stateOf({ ...valid, status: "held" }, now)).toBe("held");
  });
});

describe("fileName", () => {
  it("keeps what files may be called", () => {
    expect(fileName("machine-7.plant.example", "pem")).toBe("machine-7.plant.example.pem");
  });
  it("leads nowhere else, and hides nothing", () => {
    expect(fileName("../../etc/passwd", "pem")).toBe("etc_passwd.pem");
    expect(fileName("‮gnp.exe\u0000/..", "pem")).toBe("gnp.exe_...pem");
    expect(fileName(".bashrc", "pem")).toBe("bashrc.pem");
    expect(fileName("", "pem")).toBe("certificate.pem");
    expect(fileName("x".repeat(300), "pem")).toHaveLength(84);
  });
});

it("list: each once, however they are parted", () => {
  expect(list(" a.example\nb.example, a.example;c.example ")).toEqual(["a.example", "b.example", "c.example"]);
  expect(list("")).toEqual([]);
});

it("octets", () => {
  expect(octets("0a1b2c")).toBe("0A:1B:2C");
  expect(octets(undefined)).toBe("");
});

it("cursorOf reads the link to the next page", () => {
  expect(cursorOf("https://localhost:8443/api/v2.0/certificates?page%5Bsize%5D=1&page%5Bafter%5D=sUq-Z_w")).toBe("sUq-Z_w");
  expect(cursorOf(null)).toBeNull();
  expect(cursorOf("https://localhost/api/v2.0/certificates")).toBeNull();
});

it("browserOf", () => {
  expect(browserOf("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36")).toBe("Chrome 156");
  expect(browserOf("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")).toBe("Firefox 140");
  expect(browserOf(undefined)).toBe("");
});

// Those of tests/unit/api/test_export.c, and what patterns get wrong.
it.each([
  ["", '""'], ["a", '"a"'], ["a,b;c", '"a,b;c"'], ['say "x"', '"say ""x"""'], ["two\nlines", '"two\nlines"'],
  ["=1+1", "\"'=1+1\""], ["+1", "\"'+1\""], ["-1", "\"'-1\""], ["@SUM(1)", "\"'@SUM(1)\""], ["\t=1", "\"'\t=1\""], ["\r=1", "\"'\r=1\""],
  ["\n=1", "\"'\n=1\""], ["  =1", "\"'  =1\""], ["\uFF1D1", "\"'\uFF1D1\""], ["\uFF20x", "\"'\uFF20x\""],
  ["1=1", '"1=1"'], ["a-b", '"a-b"'],
  ["a;=1+1;b", "\"a;'=1+1;b\""], ["a; =1", "\"a;' =1\""], ['a;"=1', '"a;\'""=1"'], ["a\\;-1", "\"a\\;'-1\""],
  [";=1", "\";'=1\""], ["a\n-----END", '"a\n-----END"'],
  ["\x1b[2J", '"\uFFFD[2J"'], ["a\x7f", '"a\uFFFD"'],
])("a cell of CSV: %j", (text, cell) => {
  expect(csvCell(text)).toBe(cell);
});
