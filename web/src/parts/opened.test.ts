import { act, renderHook } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import type { Item } from "../api/rest";
import { useOpened } from "./opened";

const version = (n: number, id = "7"): Item => ({ type: "policies", id, attributes: { version: n } });

it("a form keeps to what it was opened with until it is saved, or another thing is opened", () => {
  const told = vi.fn();
  const { result, rerender } = renderHook((found: { data: Item | undefined; isFetching: boolean }) => useOpened(found, told), {
    initialProps: { data: version(1), isFetching: true },
  });
  expect(result.current[0]).toBeUndefined(); // kept from an earlier look: the newer answer is awaited
  rerender({ data: version(2), isFetching: false });
  expect(result.current[0]).toEqual(version(2));
  rerender({ data: version(3), isFetching: false }); // somebody else's change
  expect(result.current[0]).toEqual(version(2));
  act(() => result.current[1]({ item: { type: "approvals", id: "7", attributes: {} }, approval: "7", job: null }));
  expect(result.current[0]).toEqual(version(2));
  act(() => result.current[1]({ item: version(4), approval: null, job: null }));
  expect(result.current[0]).toEqual(version(4));
  expect(told).toHaveBeenCalledTimes(2);
  rerender({ data: version(1, "8"), isFetching: false });
  expect(result.current[0]).toEqual(version(1, "8"));
});
