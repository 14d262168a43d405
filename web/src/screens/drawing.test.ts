// The charts' numbers: axes, labels that have room, the parts of a ring.
import { describe, expect, it } from "vitest";
import { every, ring, steps } from "./drawing";

describe("an axis", () => {
  it("has whole, round steps and room for the highest value", () => {
    expect(steps(4)).toEqual([0, 1, 2, 3, 4]);
    expect(steps(5)).toEqual([0, 2, 4, 6]);
    expect(steps(312)).toEqual([0, 100, 200, 300, 400]);
    expect(steps(401)).toEqual([0, 200, 400, 600]);
    expect(steps(1)).toEqual([0, 1]);
    expect(steps(0)).toEqual([0, 1]);
  });
  it("has few of them, whatever the value", () => {
    for (const most of [1, 7, 9, 10, 11, 39, 99, 100, 101, 12_345, 9_999_999, 2 ** 40]) {
      const all = steps(most);
      expect(all.length, String(most)).toBeLessThanOrEqual(5);
      expect(all[all.length - 1], String(most)).toBeGreaterThanOrEqual(most);
      expect(all.every(Number.isInteger), String(most)).toBe(true);
    }
  });
});

describe("labels", () => {
  it("are left out until they have room", () => {
    expect(every(30, 640, 64)).toBe(3);
    expect(every(30, 320, 64)).toBe(6);
    expect(every(3, 640, 64)).toBe(1);
    expect(every(0, 640, 64)).toBe(1);
    expect(every(30, 0, 64)).toBeGreaterThan(30);
  });
});

describe("a ring", () => {
  it("is full, whole or in parts", () => {
    expect(ring([5, 0, 0], 100)).toEqual([{ from: 0, long: 100 }, { from: 100, long: 0 }, { from: 100, long: 0 }]);
    expect(ring([1, 1, 2], 100).map((p) => p.long)).toEqual([25, 25, 50]);
    expect(ring([1, 1, 2], 100).map((p) => p.from)).toEqual([0, 25, 50]);
  });
  it("shows what there is only little of", () => {
    const parts = ring([1_000_000, 1, 0, 3], 100);
    expect(parts.map((p) => p.long)).toEqual([98, 1, 0, 1]);
    expect(parts.reduce((all, p) => all + p.long, 0)).toBeCloseTo(100);
  });
  it("of nothing has no parts", () => {
    expect(ring([0, 0], 100)).toEqual([{ from: 0, long: 0 }, { from: 0, long: 0 }]);
  });
});
